import type {
  AttachCommand,
  CommitCommand,
  OverdueCommand,
  RecordCommand,
  RefundCommand,
  ReleaseCommand,
  ReserveCommand,
  ReverseRefundCommand,
  Store,
  StoredPurchase,
  UsageCommand,
} from '@spendcap/core';
import { NaiveLedger } from '../properties/model.ts';
import type { Specification } from './checker.ts';

/** A verb of the store, and its command. */
export type Call =
  | readonly ['reserve', ReserveCommand]
  | readonly ['record', RecordCommand]
  | readonly ['attach', AttachCommand]
  | readonly ['commit', CommitCommand]
  | readonly ['release', ReleaseCommand]
  | readonly ['refund', RefundCommand]
  | readonly ['reverseRefund', ReverseRefundCommand]
  | readonly ['get', ReleaseCommand]
  | readonly ['usage', UsageCommand]
  | readonly ['overdue', OverdueCommand];

/** What a store answers, less what the caller said itself. */
export interface Answer {
  readonly outcome?: string;
  readonly replayed?: boolean;
  readonly changed?: boolean;
  readonly used?: readonly number[];
  readonly purchase?: ReturnType<NaiveLedger['get']>;
  /** Ids of the holds that this call has ended. */
  readonly expired?: readonly string[];
  /** Ids. */
  readonly overdue?: readonly string[];
}

/** The naive ledger, called by one caller after another. */
export const oneByOne: Specification<NaiveLedger, Call, Answer> = {
  initial: new NaiveLedger(),
  apply(before, call) {
    const state = before.copy();
    const output = inOrder(answerOf(state, call));
    return [{ state, output }, ...(isMissing(output) ? endings(before, call, output) : [])];
  },
  key: (state) => state.key(),
  describe: ([verb, command]) => `${verb} ${JSON.stringify(command, SHOWN)}`,
};

/** The fields to print of a call. */
const SHOWN = [
  ...['id', 'subject', 'amount', 'at', 'expiresAt', 'onExpiry', 'refundId', 'restores'],
  ...['total', 'chargedAt', 'processor', 'processorRef'],
  ...['windows', 'start', 'cap'],
];

const isMissing = ({ outcome, purchase }: Answer): boolean =>
  outcome === 'not_found' || purchase === null;

/** A store may know whose a purchase would have been: then expired holds end there. */
function endings(before: NaiveLedger, [, { at }]: Call, output: Answer) {
  return before.subjects().flatMap((subject) => {
    const state = before.copy();
    state.usage({ subject, windows: [], at });
    const open = state.reservedIds();
    const expired = before
      .reservedIds()
      .filter((id) => !open.includes(id))
      .toSorted();
    return expired.length === 0 ? [] : [{ state, output: inOrder({ ...output, expired }) }];
  });
}

function answerOf(ledger: NaiveLedger, [verb, command]: Call): Answer {
  if (verb === 'overdue') return { overdue: ledger.overdue(command).toSorted() };
  const reserved = ledger.reservedIds();
  const endedIn = (): string[] => {
    const open = ledger.reservedIds();
    return reserved.filter((id) => !open.includes(id)).toSorted();
  };
  if (verb === 'usage') return { ...ledger.usage(command), expired: endedIn() };
  const { id, at } = command;
  if (verb === 'record') return recordIn(ledger, command, endedIn);
  if (verb === 'reserve') {
    // Their holds end before the verb looks at its own.
    ledger.usage({ subject: command.subject, windows: [], at });
    const expired = endedIn();
    const { outcome, ...rest } = ledger.reserve(command);
    if (outcome !== 'held') return { outcome, ...rest, expired };
    const { used } = ledger.usage(command);
    return { outcome, ...rest, used, purchase: ledger.get(id, at), expired };
  }
  const first = ledger.get(id, at);
  const expired = endedIn();
  if (verb === 'get') return { purchase: first, expired };
  const { outcome } = settle(ledger, [verb, command] as SettlingCall);
  const purchase = ledger.get(id, at);
  if (purchase === null) return { outcome, expired };
  if (outcome !== 'done') return { outcome, purchase, expired };
  const changed = JSON.stringify(purchase) !== JSON.stringify(first);
  return { outcome, changed, purchase, expired };
}

function recordIn(ledger: NaiveLedger, command: RecordCommand, endedIn: () => string[]): Answer {
  const { id, at, subject } = command;
  ledger.usage({ subject, windows: [], at });
  const expired = endedIn();
  // At instant 0 nothing expires: of a conflict, the holds of the other subject stay as they are.
  const first = JSON.stringify(ledger.get(id, 0));
  const { outcome } = ledger.record(command);
  if (outcome === 'conflict') return { outcome, expired };
  const purchase = ledger.get(id, at);
  if (outcome !== 'done') return { outcome, purchase, expired };
  return { outcome, changed: JSON.stringify(purchase) !== first, purchase, expired };
}

type SettlingCall = Extract<
  Call,
  readonly ['commit' | 'release' | 'attach' | 'refund' | 'reverseRefund', unknown]
>;

function settle(ledger: NaiveLedger, call: SettlingCall): { readonly outcome: string } {
  switch (call[0]) {
    case 'commit':
      return ledger.commit(call[1]);
    case 'release':
      return ledger.release(call[1]);
    case 'attach':
      return ledger.attach(call[1]);
    case 'refund':
      return ledger.refund(call[1]);
    case 'reverseRefund':
      return ledger.reverseRefund(call[1]);
  }
}

/** Calls a store, and returns its answer in the form of the naive ledger's. */
export async function ask(store: Store, call: Call): Promise<Answer> {
  const [verb, command] = call;
  if (verb === 'overdue') {
    return { overdue: (await store.overdue(command)).map(({ id }) => id).toSorted() };
  }
  const result = await resultOf(store, call as Exclude<Call, readonly ['overdue', unknown]>);
  const { expired, purchase, ...rest } = result as Omit<Answer, 'expired' | 'purchase'> & {
    readonly expired: readonly StoredPurchase[];
    readonly purchase?: StoredPurchase | null;
  };
  return inOrder({
    ...rest,
    ...(purchase === undefined ? {} : { purchase: purchase === null ? null : viewOf(purchase) }),
    expired: expired.map(({ id }) => id).toSorted(),
  });
}

function resultOf(store: Store, call: Exclude<Call, readonly ['overdue', unknown]>) {
  switch (call[0]) {
    case 'reserve':
      return store.reserve(call[1]);
    case 'record':
      return store.record(call[1]);
    case 'attach':
      return store.attach(call[1]);
    case 'commit':
      return store.commit(call[1]);
    case 'release':
      return store.release(call[1]);
    case 'refund':
      return store.refund(call[1]);
    case 'reverseRefund':
      return store.reverseRefund(call[1]);
    case 'get':
      return store.get(call[1]);
    case 'usage':
      return store.usage(call[1]);
  }
}

const viewOf = ({ state, committed, late, refunded, processorRef }: StoredPurchase) => ({
  state,
  committed,
  late,
  refunded,
  processorRef,
});

/** Answers are compared as text. */
function inOrder(answer: Answer): Answer {
  const { outcome, replayed, changed, used, purchase, expired, overdue } = answer;
  return JSON.parse(
    JSON.stringify({ outcome, replayed, changed, used, purchase, expired, overdue }),
  ) as Answer;
}
