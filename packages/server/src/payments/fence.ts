import { forbidden } from './deps.ts';

/** Any function. */
export type Callable = (...args: readonly unknown[]) => unknown;

/** How the methods of a client are divided. Paths are such as `paymentIntents.create`. */
export interface FenceOptions {
  /** What the client is called in error messages: `stripe`. */
  readonly name: string;
  /** True for a method that only reads, or makes no network call. */
  readonly isRead: (path: string) => boolean;
  /** Replacements of methods. */
  readonly guarded: ReadonlyMap<string, Callable>;
  /** Methods that are permitted without a hold. */
  readonly allow: ReadonlySet<string>;
}

/**
 * A view of a client in which every method rejects with `payment_forbidden`, except reads, guarded
 * and allowed methods. Methods that a newer client adds are therefore blocked by default.
 */
export function fence<T extends object>(client: T, options: FenceOptions): T {
  return view(client, '', options);
}

function view<T extends object>(target: T, prefix: string, options: FenceOptions): T {
  const seen = new Map<string, unknown>();
  // The proxy target is an empty object: a proxy may not replace values of a frozen target.
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
    const open = options.isRead(path) || options.allow.has(path);
    return open ? value.bind(owner) : closed(`${options.name}.${path}`);
  }
  if (typeof value !== 'object' || value === null) return value;
  return view(value, `${path}.`, options);
}

function closed(path: string): () => Promise<never> {
  return () =>
    Promise.reject(
      forbidden(`${path} is blocked. To permit it without a limit, add it to \`allow\`.`),
    );
}

/** True if the client has a method at a path. Detects misspelled entries of `allow`. */
export function hasMethod(client: object, path: string): boolean {
  let value: unknown = client;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return false;
    value = Reflect.get(value, name);
  }
  return typeof value === 'function';
}
