import type { Decision } from '@spendcap/core';

/** Only `apiKeys` is required. */
export interface HandlerOptions {
  /** At least one, each of 16 or more printable ASCII characters. All are valid, for rotation. */
  readonly apiKeys: readonly string[];
  /** Where the handler is mounted, such as `/spendcap`. Default: the root. */
  readonly basePath?: string;
  /**
   * The address under which players reach this handler, base path included, for example
   * `https://pay.example/spendcap`: the `htu` of their DPoP proofs. Required for bound age tokens.
   */
  readonly publicUrl?: string;
  /**
   * Exact origins, of any scheme, whose pages may call the two player endpoints:
   * `https://shop.example`, `capacitor://localhost`. Default: none.
   */
  readonly corsOrigins?: readonly string[];
  /** A larger request body is a 413. Default 65536. */
  readonly maxBodyBytes?: number;
  /** Counts responses and decisions, for `/metrics`. Default: neither. */
  readonly metrics?: Metrics;
  /** Called with every error behind a 5xx. The response contains only its code. */
  readonly onError?: (error: unknown) => void;
  /** Called after each response, for an access log. */
  readonly onResponse?: (served: Served) => void;
}

/** What `prometheusMetrics` of `@spendcap/server/http/metrics` makes. */
export interface Metrics {
  /** Called once for each route; the result counts its responses. */
  route(route: string): (served: Served) => void;
  /** Counts a decision, except a replay. */
  decided(decision: Decision): void;
  /** The response of `/metrics`. */
  exposition(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** One response. Nothing of it comes from the caller, so that it may be logged. */
export interface Served {
  readonly method: string;
  /** The path as OpenAPI has it, `/v1/purchases/{id}`, or `unmatched`. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** A Fetch API server: runs wherever there is `Request` and `Response`. */
export type Handler = (request: Request) => Promise<Response>;
