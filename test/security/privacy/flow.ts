import {
  ageTokens,
  cnGame,
  createHandler,
  createLimiter,
  generatePermitKey,
  permits,
  type Store,
} from '@spendcap/server';
import {
  ageAuthority,
  generateAuthorityKey,
  memoryStatusStore,
  type StatusStore,
} from '@spendcap/server/age/authority';
import type { AgeSource } from '@spendcap/server/age/sources';
import type { NppaStore } from '@spendcap/server/age/sources/nppa';
import { prometheusMetrics } from '@spendcap/server/http/metrics';
import { NOW } from '../../server/age/token/token-kit.ts';
import type { SourceWorld } from '../../support/age-sources/entry.ts';
import { CHILD, CHILD_AGAIN, marksOf, type Person } from '../../support/age-sources/people.ts';
import { AGE_SOURCES } from '../../support/age-sources.ts';
import { type Collector, collector, type Marks, type Output } from './leaks.ts';

const AUDIENCE = 'https://limiter.example';
const ISSUER = 'https://age.example';
const SECRETS = {
  subjectKey: 'the-subject-key-of-the-privacy-test',
  ledgerKey: 'the-ledger-key-of-the-privacy-test',
  apiKey: 'the-api-key-of-the-privacy-test',
};

export interface FlowOptions {
  readonly ledger: Store;
  readonly records: NppaStore;
  /** Replaces the source of this kind. */
  readonly replace?: (source: AgeSource<never>, kind: string) => AgeSource<never>;
}

export interface Flow {
  readonly outputs: readonly Output[];
  readonly marks: Marks;
}

type Issued = readonly string[];

/** A raw token, and the parts of it except its header, which is no secret. */
function markToken(marks: Map<string, string>, name: string, token: string): void {
  marks.set(name, token);
  for (const part of token.split('.').slice(1)) marks.set(`${name} …${part.length}`, part);
}

/** Every source, with evidence about each person. */
async function openSources(records: NppaStore, clock: { at: number }, people: readonly Person[]) {
  const opened = AGE_SOURCES.map(async ({ kind, open }) => {
    const world = await open({ clock, people, records });
    const shown: { readonly account: string; readonly evidence: unknown }[] = [];
    for (const person of people) {
      const { account } = person;
      for (const evidence of await world.evidence(person)) shown.push({ account, evidence });
    }
    return { kind, world, shown };
  });
  return Promise.all(opened);
}

type Opened = Awaited<ReturnType<typeof openSources>>;

async function authorityOf(
  sources: Readonly<Record<string, AgeSource<never>>>,
  seen: Collector,
  now: () => number,
) {
  return ageAuthority({
    issuer: ISSUER,
    keys: [await generateAuthorityKey()],
    sources,
    subjectKey: SECRETS.subjectKey,
    tokenSeconds: 3_000,
    statusList: { uri: `${ISSUER}/status`, store: watched(memoryStatusStore(), seen) },
    timeZone: 'Asia/Shanghai',
    now,
  });
}

/** A status store that shows all that it is given to keep. */
function watched(store: StatusStore, seen: Collector): StatusStore {
  return {
    allot: (token) => {
      seen.add('status store: allot', token);
      return store.allot(token);
    },
    revoke: (holder, at) => {
      seen.add('status store: revoke', holder);
      return store.revoke(holder, at);
    },
    revoked: (list, at) => store.revoked(list, at),
  };
}

interface Issuing {
  readonly opened: Opened;
  readonly authority: Awaited<ReturnType<typeof authorityOf>>;
  readonly seen: Collector;
  readonly marks: Map<string, string>;
}

/** A token for each form of evidence of each source, for each account. */
async function issueAll({ opened, authority, seen, marks }: Issuing): Promise<Issued> {
  const tokens: string[] = [];
  for (const { kind, shown } of opened) {
    for (const { account, evidence } of shown) {
      const subject = { subject: account, audience: AUDIENCE };
      const token = await authority.issue({ [kind]: evidence as never }, subject);
      // What it says may be read by its audience; the token itself is a credential.
      seen.add(`claims of ${kind}`, Buffer.from(token.split('.')[1] ?? '', 'base64url'));
      markToken(marks, `age token ${tokens.length} of ${kind}`, token);
      tokens.push(token);
    }
  }
  const wrong = { subject: `${CHILD.account}\n`, audience: AUDIENCE };
  const all = opened.map(({ kind, shown }) => [kind, shown[0]?.evidence as never] as const);
  const refused = authority.issue(Object.fromEntries(all), wrong);
  await seen.refused('authority subject', refused, 'invalid_request');
  return tokens;
}

/** Evidence that is a signed token, and so might be taken for an age token. */
function signedIn({ secrets }: SourceWorld): readonly string[] {
  return [...secrets.values()].filter((value) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value));
}

/** From evidence to purchases and refunds, with failures on the way. */
export async function runFlow({
  ledger,
  records,
  replace = (source) => source,
}: FlowOptions): Promise<Flow> {
  const seen = collector();
  const marks = new Map([...Object.entries(SECRETS), ...marksOf('CHILD', CHILD)]);
  marks.set('second account of CHILD', CHILD_AGAIN.account);
  const clock = { at: NOW };
  const now = () => clock.at;
  const opened = await openSources(records, clock, [CHILD, CHILD_AGAIN]);
  for (const { kind, world } of opened) {
    for (const [name, value] of world.secrets) marks.set(`${kind}: ${name}`, value);
    seen.add(`source ${kind}`, world.source);
  }
  const sources = opened.map(({ kind, world }) => [kind, replace(world.source, kind)] as const);
  const authority = await authorityOf(Object.fromEntries(sources), seen, now);
  const tokens = await issueAll({ opened, authority, seen, marks });

  const limiter = createLimiter({
    // So that a token of each source buys.
    policy: { ...cnGame(), minimumAssurance: 'guardian' },
    store: ledger,
    ageTokens: ageTokens({
      issuers: [{ issuer: ISSUER, audience: AUDIENCE, jwks: authority.jwks() }],
      subjectKey: SECRETS.ledgerKey,
      now,
    }),
    permits: permits({
      key: await generatePermitKey(),
      issuer: AUDIENCE,
      audience: 'https://pay.example',
      now,
    }),
    onEvent: (event) => seen.add(`event ${event.type}`, event),
    now,
  });
  const badTokens = [
    ...opened.flatMap(({ world }) => signedIn(world)),
    ...tokens.map((token) => token.slice(0, -2)),
  ];
  for (const ageToken of badTokens) {
    const order = { id: 'order-x', amount: '1.00', currency: 'CNY', ageToken };
    await seen.refused('limiter token', limiter.reserve(order), 'age_token_invalid');
  }
  await buy(limiter, tokens);
  await overHttp({ limiter, seen, tokens, badTokens });
  seen.add('revoked', await authority.revoke(CHILD.account));
  for (const path of ['/.well-known/jwks.json', '/status/x', '/nothing']) {
    const answer = await authority.handler(new Request(`${ISSUER}${path}`));
    seen.add(`authority ${path}`, await answer.text());
  }
  return { outputs: seen.outputs, marks };
}

async function buy(limiter: ReturnType<typeof createLimiter>, tokens: Issued): Promise<void> {
  for (const [index, ageToken] of tokens.entries()) {
    const order = { id: `order-${index}`, amount: '5.00', currency: 'CNY', ageToken };
    const decision = await limiter.reserve(order);
    if (!decision.allowed) throw new Error(`order-${index} was refused`);
    if (index === 0) await limiter.release(order.id, { reason: 'declined' });
    else await limiter.commit(order.id);
    if (index === 1) await limiter.refund(order.id, { id: 'refund-1', amount: '2.00' });
  }
}

interface OverHttp {
  readonly limiter: ReturnType<typeof createLimiter>;
  readonly seen: Collector;
  readonly tokens: Issued;
  readonly badTokens: Issued;
}

/** The same over HTTP, with personal data in every place where it does not belong. */
async function overHttp({ limiter, seen, tokens, badTokens }: OverHttp): Promise<void> {
  const onError = (error: unknown) => seen.add('onError', error);
  const metrics = prometheusMetrics();
  const handler = createHandler(limiter, { apiKeys: [SECRETS.apiKey], metrics, onError });
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
  await post('no JSON', `${JSON.stringify({ ...order, ...CHILD })}}`);
  for (const ageToken of badTokens) await post('bad token', { ...order, ageToken });
  for (const bearer of [...badTokens, CHILD.idNumber, tokens[0]]) {
    const headers = { authorization: `Bearer ${bearer}` };
    await send('allowance', '/v1/allowance?currency=CNY', { headers });
  }
  await send('path', `/v1/purchases/${CHILD.idNumber}`, { method: 'PATCH' });
  await send('metrics', '/metrics', { headers: { authorization: `Bearer ${SECRETS.apiKey}` } });
}
