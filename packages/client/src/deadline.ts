import { failure } from './errors.ts';
import { after } from './timers.ts';

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
}

type Work<T> = (signal: CallSignal | undefined, isEnded: () => boolean) => Promise<T>;

/**
 * Makes a function that settles as `work` does, unless the time limit or the caller's signal ends
 * it first. `work` gets a signal to stop with, if the platform has any, and can look whether it
 * should.
 *
 * @param origin the address in the error message
 */
export function deadline(timeoutMs: number, origin: string) {
  return <T>({ signal }: CallOptions, work: Work<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const { AbortController } = globalThis as unknown as Platform;
      const controller = AbortController && new AbortController();
      let isEnded = false;
      const stop = (error: Error) => {
        isEnded = true;
        reject(error);
        controller?.abort();
      };
      const abort = () => stop(failure('aborted', 'Aborted.', signal?.reason));
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort);
      const cancel = after(timeoutMs, () =>
        stop(failure('timeout', `No response from ${origin} within ${timeoutMs} ms.`)),
      );
      work(controller?.signal, () => isEnded)
        .then(resolve, reject)
        .then(() => {
          cancel();
          signal?.removeEventListener('abort', abort);
        });
    });
}
