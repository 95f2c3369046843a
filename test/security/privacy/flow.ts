import { ageTokens, cnGame, createHandler, createLimiter, type Store } from '@spendcap/server';
import type { AgeSource } from '@spendcap/server/age/sources';
import type { NppaEvidence, NppaStore } from '@spendcap/server/age/sources/nppa';
import { collector, type Marks, type Output } from './leaks.ts';
import { CHILD, SECRETS, TOKEN_PERSON } from './people.ts';
import { nppaRefusals, tokenRefusals } from './refusals.ts';
import { walletRefusals } from './wallet.ts';
import { AUDIENCE, markToken, NONCE, privacyWorld } from './world.ts';

export interface FlowOptions {
  readonly ledger: Store;
  readonly records: NppaStore;
  /** Puts another source in the place of the real-name system's. */
  readonly replace?: (source: AgeSource<NppaEvidence>) => AgeSource<NppaEvidence>;
}

export interface Flow {
  readonly outputs: readonly Output[];
  readonly marks: Marks;
}

type Issued = readonly string[];

/** From evidence to purchases and refunds, with every failure on the way. */
export async function runFlow({
  ledger,
  records,
  replace = (one) => one,
}: FlowOptions): Promise<Flow> {
  const seen = collector();
  const world = await privacyWorld(seen, records);
  const authority = await world.authorityOf({
    ...world.sources,
    nppa: replace(world.sources.nppa),
  });
  const { child, other } = world.accounts;
  const issue = async (subject: string, evidence: Parameters<typeof authority.issue>[0]) => {
    const token = await authority.issue(evidence, { subject, audience: AUDIENCE });
    // What it says may be read by its audience; the token itself is a credential.
    seen.add(
      `claims of ${Object.keys(evidence)}`,
      Buffer.from(token.split('.')[1] ?? '', 'base64url'),
    );
    markToken(world.marks, `age token of ${Object.keys(evidence)}`, token);
    return token;
  };
  const said = { aud: 'https://age.example', sub: child };
  const idToken = await world.provider.sign({ aud: 'game', sub: child, nonce: NONCE });
  const statement = await world.family.sign(said);
  const tokens = [
    await issue(child, { nppa: { account: child, ...CHILD } }),
    await issue(child, { nppa: { account: child } }),
    await issue(other, { nppa: { account: other, ...CHILD } }),
    await issue(child, { oidc: { idToken, nonce: NONCE } }),
    await issue(child, { statement: { statement, account: child } }),
    await issue(child, { sdJwt: world.wallet.sdJwt }),
    await issue(child, { mdoc: world.wallet.mdoc }),
  ];
  for (const [name, evidence] of Object.entries(world.sources))
    seen.add(`source ${name}`, evidence);
  const wrong = { subject: `${child}\n`, audience: AUDIENCE };
  const unsaid = { nppa: { account: child, ...CHILD }, oidc: { idToken, nonce: NONCE } };
  await seen.refused('authority subject', authority.issue(unsaid, wrong), 'invalid_request');
  await nppaRefusals(world, seen);
  await tokenRefusals(world, seen);
  await walletRefusals(world.wallet, seen);

  const limiter = createLimiter({
    // So that a token of each source buys.
    policy: { ...cnGame(), minimumAssurance: 'guardian' },
    store: ledger,
    ageTokens: ageTokens({
      issuers: [{ issuer: 'https://age.example', audience: AUDIENCE, jwks: authority.jwks() }],
      subjectKey: SECRETS.ledgerKey,
      now: () => world.clock.at,
    }),
    permits: world.permits,
    onEvent: (event) => seen.add(`event ${event.type}`, event),
    now: world.now,
  });
  const badTokens = [idToken, statement, ...tokens.map((token) => token.slice(0, -2))];
  for (const ageToken of badTokens) {
    const order = { id: 'order-x', amount: '1.00', currency: 'CNY', ageToken };
    await seen.refused('limiter token', limiter.reserve(order), 'age_token_invalid');
  }
  await buy(limiter, tokens);
  await overHttp({ limiter, seen, tokens, badTokens });
  seen.add('revoked', await authority.revoke(child));
  for (const path of ['/.well-known/jwks.json', '/status/x', '/nothing']) {
    const answer = await authority.handler(new Request(`https://age.example${path}`));
    seen.add(`authority ${path}`, await answer.text());
  }
  return { outputs: seen.outputs, marks: world.marks };
}

async function buy(limiter: ReturnType<typeof createLimiter>, tokens: Issued): Promise<void> {
  for (const [index, ageToken] of tokens.entries()) {
    const order = { id: `order-${index}`, amount: '20.00', currency: 'CNY', ageToken };
    const decision = await limiter.reserve(order);
    if (!decision.allowed) throw new Error(`order-${index} was refused`);
    if (index === 0) await limiter.release(order.id, { reason: 'declined' });
    else await limiter.commit(order.id);
    if (index === 1) await limiter.refund(order.id, { id: 'refund-1', amount: '5.00' });
  }
}

interface OverHttp {
  readonly limiter: ReturnType<typeof createLimiter>;
  readonly seen: ReturnType<typeof collector>;
  readonly tokens: Issued;
  readonly badTokens: Issued;
}

/** The same over HTTP, with personal data in every place where it does not belong. */
async function overHttp({ limiter, seen, tokens, badTokens }: OverHttp): Promise<void> {
  const onError = (error: unknown) => seen.add('onError', error);
  const handler = createHandler(limiter, { apiKeys: [SECRETS.apiKey], onError });
  const send = async (where: string, path: string, init: RequestInit): Promise<void> => {
    const response = await handler(new Request(`https://limiter.example${path}`, init));
    const text = await response.text();
    seen.add(`http ${where} ${response.status}`, `${text}${[...response.headers]}`);
  };
  const post = (where: string, body: string | object) =>
    send(where, '/v1/purchases', {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRETS.apiKey}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const order = { id: 'order-http', amount: '20.00', currency: 'CNY', ageToken: tokens[1] };
  await post('allowed', order);
  await post('refused', { ...order, id: 'order-big', amount: '9999.00' });
  await post('unknown field', { ...order, child: CHILD });
  await post('wrong type', { ...order, id: CHILD });
  await post('wrong currency', { ...order, currency: CHILD.idNumber });
  await post('no JSON', `${JSON.stringify({ ...order, ...TOKEN_PERSON })}}`);
  for (const ageToken of badTokens) await post('bad token', { ...order, ageToken });
  for (const bearer of [...badTokens, CHILD.idNumber, tokens[0]]) {
    const headers = { authorization: `Bearer ${bearer}` };
    await send('allowance', '/v1/allowance?currency=CNY', { headers });
  }
  await send('path', `/v1/purchases/${CHILD.idNumber}`, { method: 'PATCH' });
  await send('metrics', '/metrics', { headers: { authorization: `Bearer ${SECRETS.apiKey}` } });
}
