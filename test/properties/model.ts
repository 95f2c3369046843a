import type {
  AttachCommand,
  CommitCommand,
  OverdueCommand,
  RecordCommand,
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
  processorRef: string | null;
  /** The parts of each refund: one, or as many as its total grew. */
  refunds: Map<string, { parts: Part[]; reversed: boolean }>;
}

interface Part {
  /** Not a number for a refund that was reversed before it arrived. */
  readonly amount: number;
  readonly restores: boolean;
}

const sumOf = (parts: readonly Part[]): number =>
  parts.reduce((total, { amount }) => total + amount, 0);

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
      refunds: new Map(
        [...purchase.refunds].map(([id, { parts, reversed }]) => [
          id,
          { parts: [...parts], reversed },
        ]),
      ),
    }));
    return other;
  }

  /** Equal for ledgers that no call can distinguish. */
  key(): string {
    const shown = this.purchases.map(({ command, refunds, ...rest }) => {
      const { id, subject, request, at, expiresAt, processor } = command;
      const named = [id, subject, request, processor, at, expiresAt];
      return JSON.stringify([...named, rest, [...refunds].sort()]);
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
    this.add(command);
    return { outcome: 'held', replayed: false, used: used.map((sum) => sum + command.amount) };
  }

  /** Money without a hold is committed as if its hold had just ended. */
  record({ chargedAt, at, ...command }: RecordCommand) {
    this.expire(command.subject, at);
    const { id, subject, currency, processor, amount } = command;
    const before = this.find(id);
    if (before !== undefined) {
      const { command: held } = before;
      const other = held.processor !== null && processor !== null && held.processor !== processor;
      if (held.subject !== subject || held.currency !== currency || other) {
        return { outcome: 'conflict' };
      }
      return this.commit({ id, amount, at });
    }
    const ended = { at: chargedAt, expiresAt: chargedAt, onExpiry: 'reconcile' } as const;
    const purchase = this.add({ ...command, ...ended, windows: [] });
    Object.assign(purchase, { state: 'committed', committed: amount, late: true });
    return { outcome: 'done' };
  }

  attach({ id, processor, processorRef, at }: AttachCommand) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return { outcome: 'not_found' };
    const known = purchase.processorRef ?? processorRef;
    if (purchase.command.processor !== processor || known !== processorRef) {
      return { outcome: 'conflict' };
    }
    purchase.processorRef = processorRef;
    return { outcome: 'done' };
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

  refund({ id, refundId, amount, total, restores, at }: RefundCommand) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return { outcome: 'not_found' };
    const before = purchase.refunds.get(refundId);
    const soFar = before === undefined ? 0 : sumOf(before.parts);
    if (before !== undefined && !(total !== undefined && !before.reversed && total > soFar)) {
      const same = amount === undefined || Number.isNaN(soFar) || soFar === amount;
      return { outcome: same ? 'done' : 'conflict' };
    }
    if (purchase.state !== 'committed') return { outcome: 'not_committed' };
    const left = purchase.committed - this.refunded(purchase);
    const wanted = total === undefined ? (amount ?? left) : total - soFar;
    if (wanted > left || wanted === 0) return { outcome: 'exceeds' };
    const parts = [...(before?.parts ?? []), { amount: wanted, restores }];
    purchase.refunds.set(refundId, { parts, reversed: false });
    return { outcome: 'done' };
  }

  reverseRefund({ id, refundId, at }: ReverseRefundCommand) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return { outcome: 'not_found' };
    const before = purchase.refunds.get(refundId);
    const never = { parts: [{ amount: Number.NaN, restores: false }], reversed: true };
    if (before !== undefined) before.reversed = true;
    else purchase.refunds.set(refundId, never);
    return { outcome: 'done' };
  }

  usage({ subject, windows, at }: UsageCommand) {
    this.expire(subject, at);
    return { used: windows.map((window) => this.sum(subject, window)) };
  }

  get(id: string, at: number) {
    const purchase = this.at(id, at);
    if (purchase === undefined) return null;
    const { state, committed, late, processorRef } = purchase;
    return { state, committed, late, refunded: this.refunded(purchase), processorRef };
  }

  /** In no order, and all on one page. */
  overdue({ at, processor }: Pick<OverdueCommand, 'at' | 'processor'>): readonly string[] {
    return this.purchases
      .filter(({ command, state }) => {
        const { onExpiry, expiresAt } = command;
        const own = processor === undefined || command.processor === processor;
        return own && state === 'reserved' && onExpiry === 'reconcile' && expiresAt <= at;
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
      const { command, state, committed, late, processorRef } = purchase;
      const { id, subject, amount, onExpiry, expiresAt, at: reservedAt, processor } = command;
      const restored = this.restored(purchase);
      const refunded = this.refunded(purchase);
      const sums = { amount, committed, refunded, restored };
      const named = { id, subject, processor, processorRef };
      return { ...named, ...sums, state, late, onExpiry, expiresAt, reservedAt };
    });
  }

  private add(command: ReserveCommand): ModelPurchase {
    const { processorRef } = command;
    const fresh = { state: 'reserved', committed: 0, late: false, refunds: new Map() } as const;
    const purchase: ModelPurchase = { ...fresh, command, processorRef };
    this.purchases.push(purchase);
    return purchase;
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
    return purchase.committed - this.restored(purchase);
  }

  private refunded(purchase: ModelPurchase): number {
    return sumOf(this.parts(purchase));
  }

  private restored(purchase: ModelPurchase): number {
    return sumOf(this.parts(purchase).filter(({ restores }) => restores));
  }

  private parts({ refunds }: ModelPurchase): readonly Part[] {
    return [...refunds.values()].flatMap(({ parts, reversed }) => (reversed ? [] : parts));
  }
}
