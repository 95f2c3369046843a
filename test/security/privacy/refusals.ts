import { memoryNppaStore, type NppaOptions, nppaSource } from '@spendcap/server/age/sources/nppa';
import { oidcSource } from '@spendcap/server/age/sources/oidc';
import { appleSource } from '@spendcap/server/age/sources/platform';
import { statementSource } from '@spendcap/server/age/sources/statement';
import { piOf } from '../../../packages/sandbox/src/fake-nppa/people.ts';
import { NOW, SECOND } from '../../server/age/token/token-kit.ts';
import type { Collector } from './leaks.ts';
import { CHILD, NOBODY, PENDING, TOKEN_PERSON } from './people.ts';
import { NONCE, type PrivacyWorld } from './world.ts';

const INVALID = 'age_evidence_invalid';
const DOWN = 'age_source_unavailable';
const AT = { at: NOW };

/** An error that tells everything that a careless dependency was told. */
function telling(...told: readonly unknown[]): Error {
  const text = JSON.stringify(told);
  return Object.assign(new Error(text, { cause: new Error(text) }), { told });
}

/** Everything that can go wrong at the real-name system. */
export async function nppaRefusals(world: PrivacyWorld, seen: Collector): Promise<void> {
  const { fake, nppaOptions, accounts, clock } = world;
  const evidence = { account: accounts.child, ...CHILD };
  const fresh = (options: Partial<NppaOptions> = {}) =>
    nppaSource({ ...nppaOptions, store: memoryNppaStore(), ...options });
  const refused = (where: string, code: string, options: Partial<NppaOptions> = {}) =>
    seen.refused(`nppa ${where}`, fresh(options).verify(evidence, AT), code);

  for (const code of [1005, 1006, 1008, 1011, 1012, 2002]) {
    fake.fail({ kind: 'errcode', code });
    await refused(`errcode ${code}`, DOWN);
  }
  for (const code of [1001, 1007]) {
    fake.fail({ kind: 'errcode', code, times: 3 });
    await refused(`errcode ${code}`, DOWN);
  }
  fake.fail({ kind: 'errcode', code: 2001 });
  await refused('errcode 2001', INVALID);
  fake.fail({ kind: 'garbage' });
  await refused('garbage', DOWN);
  clock.at += 300_000;
  fake.fail({ kind: 'drop_before', times: 3 });
  await refused('dropped', DOWN);
  await refused('fetch', DOWN, { fetch: (url, init) => Promise.reject(telling(url, init)) });
  const result = { status: 0, pi: `${CHILD.idNumber}${CHILD.name}` };
  for (const answer of [
    { errcode: 9, errmsg: evidence },
    { errcode: 0, data: { result } },
  ]) {
    await refused('answer', DOWN, { fetch: async () => Response.json(answer) });
  }
  await refused('store get', DOWN, {
    store: { ...memoryNppaStore(), get: (key) => Promise.reject(telling(key, evidence)) },
  });
  await refused('store swap', DOWN, {
    store: { ...memoryNppaStore(), swap: (...asked) => Promise.reject(telling(asked)) },
  });
  await refused('keepPi', DOWN, { keepPi: (registered) => Promise.reject(telling(registered)) });

  fake.fail({ kind: 'errcode', code: 1011 });
  const session = {
    session: 's',
    event: 'begin',
    at: clock.at,
    player: { pi: piOf(CHILD) },
  } as const;
  await seen.refused('nppa loginout', fresh().loginout([session]), DOWN);
  fake.fail({ kind: 'garbage' });
  await seen.refused('nppa loginout', fresh().loginout([session]), DOWN);

  // Another account: the system still knows the first one.
  const account = `${accounts.child}-again`;
  const shown = (where: string, code: string, wrong: object) =>
    seen.refused(`nppa ${where}`, fresh().verify({ ...evidence, account, ...wrong }, AT), code);
  await shown('nobody', INVALID, NOBODY);
  await shown('pending', 'age_evidence_pending', PENDING);
  await shown('malformed number', INVALID, { idNumber: `${CHILD.idNumber}0` });
  await shown('malformed name', INVALID, { name: CHILD.name.repeat(20) });
  await shown('malformed account', INVALID, { account: `${accounts.child}\n` });
}

/** Everything that can go wrong with a signed word on an age. */
export async function tokenRefusals(world: PrivacyWorld, seen: Collector): Promise<void> {
  const { provider, family, oidcOptions, familyKeys, statementOptions, sources } = world;
  const { child: account } = world.accounts;
  const away = { fetch: (url: unknown) => Promise.reject(telling(url)) };
  const jwks = new URL('https://keys.example/jwks');

  const claims = { aud: 'game', sub: account, nonce: NONCE };
  const wrongs = {
    expired: { exp: SECOND - 60 },
    audience: { aud: TOKEN_PERSON.email },
    issuer: { iss: TOKEN_PERSON.email },
    nonce: { nonce: `${NONCE}-of-another` },
    contradictory: { age_over_18: true },
  };
  for (const [name, wrong] of Object.entries(wrongs)) {
    const idToken = await provider.sign({ ...claims, ...wrong });
    await seen.refused(`oidc ${name}`, sources.oidc.verify({ idToken, nonce: NONCE }, AT), INVALID);
  }
  const idToken = await provider.sign(claims);
  const cut = { idToken: idToken.slice(0, -1), nonce: NONCE };
  await seen.refused('oidc cut', sources.oidc.verify(cut, AT), INVALID);
  const blind = oidcSource({ providers: [{ ...oidcOptions, jwks }], ...away });
  await seen.refused('oidc keys', blind.verify({ idToken, nonce: NONCE }, AT), DOWN);

  const said = { aud: 'https://age.example', sub: account };
  for (const [name, wrong] of Object.entries({
    ...wrongs,
    nonce: { sub: TOKEN_PERSON.email },
    claim: { age_range: TOKEN_PERSON },
  })) {
    const statement = await family.sign({ ...said, ...wrong });
    const shown = sources.statement.verify({ statement, account }, AT);
    await seen.refused(`statement ${name}`, shown, INVALID);
  }
  const statement = await family.sign(said);
  const keyless = statementSource({
    ...statementOptions,
    issuers: [{ ...familyKeys, jwks }],
    ...away,
  });
  const failing = statementSource({
    ...statementOptions,
    issuers: [familyKeys],
    isRevoked: (asked) => Promise.reject(telling(asked, statement)),
  });
  await seen.refused('statement keys', keyless.verify({ statement, account }, AT), DOWN);
  await seen.refused('statement revoked', failing.verify({ statement, account }, AT), DOWN);

  const signal = JSON.stringify({ platform: 'apple', response: 'notAvailable', nonce: NONCE });
  const attest = (asked: unknown) => Promise.reject(telling(asked));
  const attested = { signal, attestation: CHILD, nonce: NONCE };
  await seen.refused('apple attest', appleSource({ attest }).verify(attested, AT), DOWN);
  for (const text of [JSON.stringify(TOKEN_PERSON), `${JSON.stringify(CHILD)}{`]) {
    await seen.refused('apple signal', appleSource().verify({ signal: text }, AT), INVALID);
  }
}
