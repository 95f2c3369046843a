import { failure } from './errors.ts';

/** The platform's AbortSignal; where there is none, what the client uses of it. */
export type CallSignal = typeof globalThis extends { AbortSignal: { prototype: infer Signal } }
  ? Signal
  : {
      readonly aborted: boolean;
      readonly reason?: unknown;
      /** Calls `listener` on abort. */
      addEventListener(type: 'abort', listener: () => void): void;
      /** Removes the listener. */
      removeEventListener(type: 'abort', listener: () => void): void;
    };

/** Options of one call. */
export interface CallOptions {
  /** Ends the call with the error code `aborted`. */
  readonly signal?: CallSignal;
}

interface Platform {
  readonly AbortController?: new () => { readonly signal: CallSignal; abort(): void };
  readonly setTimeout?: (run: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
}

type Work<T> = (signal: CallSignal | undefined) => Promise<T>;

/**
 * Makes a function that settles as `work` does, unless the time limit or the caller's signal ends
 * it first. `work` gets a signal to stop with, if the platform has any.
 *
 * @param origin the address in the error message
 */
export function deadline(timeoutMs: number, origin: string) {
  return <T>({ signal }: CallOptions, work: Work<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const { AbortController, setTimeout, clearTimeout } = globalThis as unknown as Platform;
      const controller = AbortController && new AbortController();
      const stop = (error: Error) => {
        reject(error);
        controller?.abort();
      };
      const abort = () => stop(failure('aborted', 'Aborted.', signal?.reason));
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort);
      const timer = setTimeout?.(
        () => stop(failure('timeout', `No response from ${origin} within ${timeoutMs} ms.`)),
        timeoutMs,
      );
      work(controller?.signal)
        .then(resolve, reject)
        .then(() => {
          clearTimeout?.(timer);
          signal?.removeEventListener('abort', abort);
        });
    });
}
