/** The time of the sandbox: the real one, until somebody lets it pass faster. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Lets time pass, so that nobody has to wait for a hold to expire. */
  advance(milliseconds: number): void;
  /** How far it is ahead of the real time, in milliseconds. */
  ahead(): number;
}

export function sandboxClock(): Clock {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    advance: (milliseconds) => {
      ahead += milliseconds;
    },
    ahead: () => ahead,
  };
}
