import { createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react';
import type { Client } from '../types.ts';

const Context = createContext<Client | null>(null);

/** Properties of `SpendcapProvider`. */
export interface SpendcapProviderProps {
  /** Made once by `createClient`, outside of the component or by `useState`. */
  readonly client: Client;
  readonly children?: ReactNode;
}

/**
 * Gives the hooks below it a client.
 *
 * @example
 * ```ts
 * import { createClient } from '@spendcap/client';
 * import { SpendcapProvider, useAllowance } from '@spendcap/client/react';
 * import { createElement } from 'react';
 * import { renderToString } from 'react-dom/server';
 * const client = createClient({ url: 'https://pay.example', ageToken: 't' });
 * const Shop = () => useAllowance().status;
 * renderToString(createElement(SpendcapProvider, { client }, createElement(Shop)));
 * // => 'loading'
 * ```
 */
export function SpendcapProvider({ client, children }: SpendcapProviderProps): ReactElement {
  return createElement(Context.Provider, { value: client }, children);
}

/**
 * The client of the nearest `SpendcapProvider`.
 *
 * @throws TypeError if there is none
 */
export function useSpendcap(): Client {
  const client = useContext(Context);
  if (client === null) throw new TypeError('useSpendcap needs a SpendcapProvider above it');
  return client;
}
