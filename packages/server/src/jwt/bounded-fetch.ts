export interface BoundedFetch {
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** `timeout` and `unreachable`: no response. `too_large`: a body that was not read to its end. */
export type Fetched =
  | { readonly status: number; readonly text: string }
  | 'timeout'
  | 'unreachable'
  | 'too_large';

/**
 * Fetches an address and reads the response, within a time and a size, following no redirects. It
 * never rejects: the error of a fetch may contain what was sent.
 */
export async function boundedFetch(
  url: URL,
  init: RequestInit,
  { fetch, timeoutMs, maxBytes }: BoundedFetch,
): Promise<Fetched> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), timeoutMs);
  });
  const read = async (): Promise<Fetched> => {
    try {
      const response = await fetch(url, { ...init, redirect: 'error', signal: abort.signal });
      const text = await readAtMost(response, maxBytes);
      return text === null ? 'too_large' : { status: response.status, text };
    } catch {
      return 'unreachable';
    }
  };
  try {
    // A race, since an injected fetch may ignore the signal.
    return await Promise.race([read(), late]);
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

async function readAtMost(response: Response, maxBytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
