import { serve } from '@hono/node-server';
import {
  ageTokens,
  createHandler,
  createLimiter,
  generatePermitKey,
  permits,
} from '@spendcap/server';
import { prometheusMetrics } from '@spendcap/server/http/metrics';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { Hono } from 'hono';
import { roomyPolicy } from './fixtures.ts';

/** A server in a process of its own: `ours`, `ours-permit` or `bare`. Prints its port. */
const [kind, file = '', jwks = '{"keys":[]}', key = ''] = process.argv.slice(2);
const LISTEN = { port: 0, hostname: '127.0.0.1' };
const printPort = ({ port }: { readonly port: number }) => console.log(port);
const NAMED = { issuer: 'https://age.example', audience: 'https://limiter.example' };

if (kind === 'bare') {
  const app = new Hono();
  app.post('/v1/purchases', async (context) => {
    const body = await context.req.json();
    return context.json({ allowed: true, id: body.id }, 201);
  });
  serve({ fetch: app.fetch, ...LISTEN }, printPort);
} else {
  const signer = { issuer: NAMED.audience, audience: 'https://pay.example' };
  const limiter = createLimiter({
    policy: roomyPolicy(),
    store: sqliteStore({ path: file }),
    ageTokens: ageTokens({ issuers: [{ ...NAMED, jwks: JSON.parse(jwks) }] }),
    ...(kind === 'ours' ? {} : { permits: permits({ key: await generatePermitKey(), ...signer }) }),
  });
  const metrics = prometheusMetrics();
  const fetch = createHandler(limiter, { apiKeys: [key], metrics });
  serve({ fetch, ...LISTEN }, printPort);
}
