/**
 * A history is all that happens to one ledger, as data that can be printed, shortened and replayed.
 * Every step is independent, so any subset of a history is a history too.
 */
export interface History {
  readonly seed: number;
  /** The payment processor of its sales, by the name of its entry. */
  readonly processor: string;
  /** Epoch milliseconds; player's birthdays and the dates of the policy follow from it. */
  readonly start: number;
  /** Time zones of the policy's three versions. */
  readonly zones: readonly [string, string, string];
  readonly steps: readonly Step[];
}

export type Step = {
  /** True time, which never goes back. Epoch milliseconds. */
  readonly at: number;
  /** The server process that runs it. */
  readonly server: number;
  /** The clock skew of that process; its clock may go back. */
  readonly skew: number;
  /** What goes wrong between the process and its store. */
  readonly fault?: StoreFault;
  /** What becomes of the first call to the processor: one of its entry's faults. */
  readonly callFault?: string;
} & Action;

/**
 * `lost`: the answer to one call is lost. `down`: so are those after it. `dies`: the process ends.
 */
export interface StoreFault {
  /** The store's call, counted from 0 within the step. */
  readonly call: number;
  readonly kind: 'lost_before' | 'lost_after' | 'down' | 'dies_before' | 'dies_after';
}

export type Action =
  | { readonly do: 'calls'; readonly calls: readonly Call[] }
  /** The process restarts with another edition of the policy. */
  | { readonly do: 'deploy'; readonly edition: number }
  /** Starts the charge of a sale. */
  | { readonly do: 'sell'; readonly sale: Sale }
  /** What a player, a bank, the operator or the guard does to a payment. */
  | { readonly do: 'deed'; readonly deed: string; readonly id: string; readonly amount?: number }
  /** Delivers notifications of a purchase, by their positions: repeatedly and out of order. */
  | { readonly do: 'notify'; readonly id: string; readonly picks: readonly number[] }
  /** Settles the overdue holds: the processor's by a query, others by this outcome. */
  | { readonly do: 'reconcile'; readonly outcome: 'commit' | 'release' }
  /** Queries windows that have ended, and many that no policy has. */
  | { readonly do: 'audit' };

/** A purchase as a client requests it. */
export interface Order {
  readonly id: string;
  /** Index into the players. */
  readonly player: number;
  /** Decimal string. */
  readonly amount: string;
  readonly currency: string;
  readonly category?: string;
  readonly app: string;
  readonly seconds: number;
  readonly onExpiry: 'release' | 'reconcile';
  readonly approved: boolean;
  readonly processor?: typeof ACME;
}

/** The processor of some orders, and the ids under which it refunds. */
export const ACME = 'acme_pay';
export const RUNNING_TOTAL = 'total';
export const DISPUTE = 'dispute';
/** Of the stores on the device, too. */
export const DISPUTES: ReadonlySet<string> = new Set([DISPUTE, 'chargeback']);

/** A charge that is recorded, with or without a hold. */
export type Charge = Pick<
  Order,
  'id' | 'player' | 'amount' | 'currency' | 'category' | 'app' | 'processor'
> & {
  /** How many milliseconds ago. */
  readonly ago: number;
};

export type Call =
  | ({ readonly verb: 'reserve' | 'check' } & Order)
  | { readonly verb: 'commit'; readonly id: string; readonly amount?: string }
  | { readonly verb: 'release' | 'get'; readonly id: string }
  | ({ readonly verb: 'record' } & Charge)
  | { readonly verb: 'attach'; readonly id: string; readonly ref: string }
  | {
      readonly verb: 'refund';
      readonly id: string;
      readonly refund: string;
      readonly amount?: string;
      readonly total?: string;
    }
  | { readonly verb: 'reverseRefund'; readonly id: string; readonly refund: string };

/** A purchase that is paid through the processor. */
export interface Sale {
  readonly id: string;
  readonly player: number;
  /** Of the currency's smallest unit. */
  readonly amount: number;
  readonly currency: string;
  /** One of the entry's ways to start a charge. */
  readonly way: string;
  readonly app: string;
  readonly category?: string;
}

/** One line for the world and one for each step: what `--history` reads. */
export function printHistory({ steps, ...world }: History): string {
  return [world, ...steps].map((value) => JSON.stringify(value)).join('\n');
}

export function readHistory(text: string): History {
  const [world, ...steps] = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as unknown);
  if (typeof world !== 'object' || world === null || !('start' in world)) {
    throw new TypeError('a history begins with a line that has seed, processor, start and zones');
  }
  return { ...(world as Omit<History, 'steps'>), steps: steps as Step[] };
}
