import { forbidden } from './errors.ts';

type Callable = (...args: readonly unknown[]) => unknown;

/** Verbs of Stripe's client that only read: `retrieve`, `list`, `search`, `listLineItems`, ... */
const READS = /^(?:retrieve|list|search)(?:[A-Z]\w*)?$/;

/** Checks of signatures, which call nobody. */
const LOCAL = new Set(['webhooks.constructEvent', 'webhooks.constructEventAsync']);

export interface FenceOptions {
  /** Replacements, by path: `paymentIntents.create`. */
  readonly guarded: ReadonlyMap<string, Callable>;
  /** Paths that are let through as they are. */
  readonly allow: ReadonlySet<string>;
}

/**
 * A view of a client in which every method rejects with `payment_forbidden`, but for reads, the
 * guarded ones and those allowed by name. What a newer client can do is closed until someone opens
 * it.
 */
export function fence<T extends object>(client: T, options: FenceOptions): T {
  return view(client, '', options);
}

function view<T extends object>(target: T, prefix: string, options: FenceOptions): T {
  const seen = new Map<string, unknown>();
  // The target is an empty object, since a proxy may not show other values than a frozen target
  // has.
  return new Proxy(Object.create(null) as T, {
    get(_, name) {
      if (typeof name === 'symbol') return undefined;
      if (!seen.has(name)) seen.set(name, memberOf(target, prefix + name, options));
      return seen.get(name);
    },
    set: () => false,
    defineProperty: () => false,
  });
}

function memberOf(owner: object, path: string, options: FenceOptions): unknown {
  const name = path.slice(path.lastIndexOf('.') + 1);
  const value: unknown = Reflect.get(owner, name);
  if (typeof value === 'function') {
    const guarded = options.guarded.get(path);
    if (guarded !== undefined) return guarded;
    const open = READS.test(name) || LOCAL.has(path) || options.allow.has(path);
    return open ? value.bind(owner) : closed(path);
  }
  if (typeof value !== 'object' || value === null) return value;
  return view(value, `${path}.`, options);
}

function closed(path: string): () => Promise<never> {
  return () =>
    Promise.reject(forbidden(`stripe.${path} is not guarded. Name it in allow, or not.`));
}

/** True if the client has a method at a path; a misspelt `allow` is a mistake worth telling. */
export function hasMethod(client: object, path: string): boolean {
  let value: unknown = client;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return false;
    value = Reflect.get(value, name);
  }
  return typeof value === 'function';
}
