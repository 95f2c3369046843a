import { createClient } from '@spendcap/client';
import { connection } from 'next/server';
import { Shop } from './shop';

/** The sandbox's player; a real game knows its player by a session. */
const PLAYER = '/shop/players/player-12';
const origin = process.env.SHOP_URL ?? 'http://127.0.0.1:8788';

export default async function Page() {
  await connection(); // Rendered for each request, as each player has an allowance of their own.
  const ageToken = async () => (await fetch(`${origin}${PLAYER}/age-token`)).text();
  const client = createClient({ url: `${origin}/spendcap`, ageToken, timeoutMs: 1_000 });
  await client.refresh(); // Never rejects: the page opens without spendcap too.
  const { allowance } = client.getSnapshot().allowance;
  return <Shop player={PLAYER} {...(allowance && { initialAllowance: allowance })} />;
}
