import type {
  CommitCommand,
  OverdueCommand,
  RefundCommand,
  ReleaseCommand,
  ReserveCommand,
  ReverseRefundCommand,
  UsageCommand,
  Window,
} from '@spendcap/core';

interface ModelPurchase {
  readonly command: ReserveCommand;
  state: 'reserved' | 'committed' | 'released' | 'expired';
  committed: number;
  late: boolean;
  refunds: Map<string, { amount: number; restores: boolean; reversed: boolean }>;
}

/**
 * The ledger as one would explain it on paper: a list of purchases, and sums over it. It has no
 * counters, no indexes and no shortcuts, so that it can be checked by reading.
 */
export class NaiveLedger {
  private purchases: ModelPurchase[] = [];

  /** An independent copy. */
  copy(): NaiveLedger {
    const other = new NaiveLedger();
    other.purchases = this.purchases.map((purchase) => ({
      ...purchase,
      refunds: new Map([...purchase.refunds].map(([id, refund]) => [id, { ...refund }])),
    }));
    return other;
  }

  /** Equal for ledgers that no call can distinguish. */
  key(): string {
    const shown = this.purchases.map(({ command, refunds, ...rest }) => {
      const { id, subject, request, at, expiresAt } = command;
      return JSON.stringify([id, subject, request, at, expiresAt, rest, [...refunds].sort()]);
    });
    return shown.sort().join();
  }

  reserve(command: ReserveCommand) {
    this.expire(command.subject, command.at);
    const before = this.find(command.id);
    if (before !== undefined) {
      const { subject, request } = before.command;
      const same = subject === command.subject && request === command.request;
      return same ? { outcome: 'held', replayed: true } : { outcome: 'conflict' };
    }
    const used = command.windows.map((window) => this.sum(command.subject, window));
    const room = command.windows.every(({ cap }, i) => (used[i] ?? 0) + command.amount <= cap);
    if (!room) return { outcome: 'refused', used };
    this.purchases.push({
      command,
      state: 'reserved',
      committed: 0,
      late: false,
      refunds: new Map(),
    });
    return { outcome: 'held', replayed: false, used: used.map((sum) => sum + command.amount) };
  }

  commit({ id, amount, at }: CommitCommand) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return { outcome: 'not_found' };
    const charged = amount ?? purchase.command.amount;
    if (purchase.state === 'committed') {
      return { outcome: purchase.committed === charged ? 'done' : 'ended' };
    }
    purchase.late = purchase.state !== 'reserved';
    purchase.state = 'committed';
    purchase.committed = charged;
    return { outcome: 'done' };
  }

  release({ id, at }: ReleaseCommand) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return { outcome: 'not_found' };
    if (purchase.state === 'committed') return { outcome: 'ended' };
    if (purchase.state === 'reserved') purchase.state = 'released';
    return { outcome: 'done' };
  }

  refund({ id, refundId, amount, restores, at }: RefundCommand) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return { outcome: 'not_found' };
    const before = purchase.refunds.get(refundId);
    if (before !== undefined) {
      const same = amount === undefined || Number.isNaN(before.amount) || before.amount === amount;
      return { outcome: same ? 'done' : 'conflict' };
    }
    if (purchase.state !== 'committed') return { outcome: 'not_committed' };
    const left = purchase.committed - this.refunded(purchase);
    const wanted = amount ?? left;
    if (wanted > left || wanted === 0) return { outcome: 'exceeds' };
    purchase.refunds.set(refundId, { amount: wanted, restores, reversed: false });
    return { outcome: 'done' };
  }

  reverseRefund({ id, refundId, at }: ReverseRefundCommand) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return { outcome: 'not_found' };
    const before = purchase.refunds.get(refundId);
    if (before !== undefined) before.reversed = true;
    else purchase.refunds.set(refundId, { amount: Number.NaN, restores: false, reversed: true });
    return { outcome: 'done' };
  }

  usage({ subject, windows, at }: UsageCommand) {
    this.expire(subject, at);
    return { used: windows.map((window) => this.sum(subject, window)) };
  }

  get(id: string, at: number) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return null;
    const { state, committed, late } = purchase;
    return { state, committed, late, refunded: this.refunded(purchase) };
  }

  overdue({ at }: Pick<OverdueCommand, 'at'>): readonly string[] {
    return this.purchases
      .filter(({ command, state }) => {
        const { onExpiry, expiresAt } = command;
        return state === 'reserved' && onExpiry === 'reconcile' && expiresAt <= at;
      })
      .map(({ command }) => command.id);
  }

  subjects(): readonly string[] {
    return [...new Set(this.purchases.map(({ command }) => command.subject))];
  }

  reservedIds(): readonly string[] {
    return this.purchases.flatMap(({ command, state }) => (state === 'reserved' ? command.id : []));
  }

  /** The plain list, in the words of a store. */
  entries() {
    return this.purchases.map((purchase) => {
      const { command, state, committed, late, refunds } = purchase;
      const { id, subject, amount, onExpiry, expiresAt, at: reservedAt } = command;
      const standing = [...refunds.values()].filter(({ reversed }) => !reversed);
      const restored = standing.reduce((sum, r) => sum + (r.restores ? r.amount : 0), 0);
      const refunded = this.refunded(purchase);
      const sums = { amount, committed, refunded, restored };
      return { id, subject, ...sums, state, late, onExpiry, expiresAt, reservedAt };
    });
  }

  private at(id: string, at: number): ModelPurchase | undefined {
    const purchase = this.find(id);
    if (purchase !== undefined) this.expire(purchase.command.subject, at);
    return purchase;
  }

  private find(id: string): ModelPurchase | undefined {
    return this.purchases.find(({ command }) => command.id === id);
  }

  private expire(subject: string, at: number): void {
    for (const purchase of this.purchases) {
      const { command } = purchase;
      const over = command.onExpiry === 'release' && command.expiresAt <= at;
      if (command.subject === subject && purchase.state === 'reserved' && over) {
        purchase.state = 'expired';
      }
    }
  }

  private sum(subject: string, window: Window): number {
    return this.purchases
      .filter((p) => p.command.subject === subject && this.counts(p, window))
      .reduce((total, p) => total + this.weight(p), 0);
  }

  private counts({ command }: ModelPurchase, { selector, start, end }: Window): boolean {
    const { currency, app, categories } = selector;
    if (command.at < start || command.at >= end || command.currency !== currency) return false;
    if (app !== null && command.app !== app) return false;
    return categories === null || categories.some((category) => category === command.category);
  }

  private weight(purchase: ModelPurchase): number {
    if (purchase.state === 'reserved') return purchase.command.amount;
    if (purchase.state !== 'committed') return 0;
    const restored = [...purchase.refunds.values()].filter((r) => r.restores && !r.reversed);
    return purchase.committed - restored.reduce((sum, { amount }) => sum + amount, 0);
  }

  private refunded({ refunds }: ModelPurchase): number {
    const standing = [...refunds.values()].filter(({ reversed }) => !reversed);
    return standing.reduce((sum, { amount }) => sum + amount, 0);
  }
}
