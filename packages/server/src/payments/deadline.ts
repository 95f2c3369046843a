/**
 * Makes a call that ends within a time limit, even if what it calls ignores the signal. A signal
 * alone is not enough, and `AbortSignal.timeout` least of all: when nothing else holds on to the
 * request that has it, it is collected with the request and never aborts.
 *
 * @param late what the call becomes then: a result, or what it throws. Default: it throws a
 *   DOMException named `TimeoutError`
 */
export async function withDeadline<T, L = never>(
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
  late: () => L = timedOut,
): Promise<T | L> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  }).then(() => {
    abort.abort();
    return late();
  });
  try {
    return await Promise.race([call(abort.signal), end]);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(): never {
  throw new DOMException('No answer in time.', 'TimeoutError');
}
