import { fakeNppa } from '@spendcap/sandbox';
import { generatePermitKey, permits } from '@spendcap/server';
import {
  type AgeSources,
  ageAuthority,
  generateAuthorityKey,
  memoryStatusStore,
  type StatusStore,
} from '@spendcap/server/age/authority';
import { type NppaOptions, nppaSource } from '@spendcap/server/age/sources/nppa';
import { oidcSource } from '@spendcap/server/age/sources/oidc';
import { googlePlaySource } from '@spendcap/server/age/sources/platform';
import { statementSource } from '@spendcap/server/age/sources/statement';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { NOW, SECOND } from '../../server/age/token/token-kit.ts';
import type { Collector } from './leaks.ts';
import { ACCOUNTS, CHILD, PENDING, personalMarks, SECRETS, TOKEN_PERSON } from './people.ts';
import { wallet } from './wallet.ts';

export const AUDIENCE = 'https://limiter.example';
export const NONCE = 'a-nonce-of-this-request';

/** A signer of JWTs with a key of its own, each of whose tokens becomes a mark. */
async function signer(iss: string, typ: string, marks: Map<string, string>) {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256' };
  let made = 0;
  return {
    jwks: { keys: [jwk] },
    async sign(claims: Readonly<Record<string, unknown>>): Promise<string> {
      const payload = { iss, iat: SECOND, exp: SECOND + 3_000, jti: `jti-${made}`, ...claims };
      const token = await new SignJWT({ ...payload, ...TOKEN_PERSON })
        .setProtectedHeader({ alg: 'ES256', typ, kid: 'key-1' })
        .sign(privateKey);
      markToken(marks, `${typ} ${made++}`, token);
      return token;
    },
  };
}

/** A raw token, and what it consists of but for its header, which is no secret. */
export function markToken(marks: Map<string, string>, name: string, token: string): void {
  marks.set(name, token);
  for (const part of token.split('.').slice(1)) marks.set(`${name} …${part.length}`, part);
}

/** The parties of a whole flow, and everything about them that must come out nowhere. */
export async function privacyWorld(seen: Collector, store: NppaOptions['store']) {
  const marks = personalMarks();
  const clock = { at: NOW };
  const now = () => clock.at;
  const fake = fakeNppa({ now, people: [CHILD, PENDING] });
  marks.set('secret key of the game', fake.credentials.secretKey);
  const provider = await signer('https://id.example', 'JWT', marks);
  const family = await signer('https://family.example', 'age-statement+jwt', marks);

  const nppaOptions: NppaOptions = {
    ...fake.credentials,
    personKey: SECRETS.personKey,
    store,
    fetch: fake.fetch,
    now,
  };
  const oidcOptions = {
    issuer: 'https://id.example',
    clientId: 'game',
    algorithms: ['ES256'],
    assurance: 'assessed',
  } as const;
  const statementOptions = { by: 'guardian', audience: 'https://age.example' } as const;
  const familyKeys = { issuer: 'https://family.example', jwks: family.jwks };
  const shown = await wallet(marks);
  const sources = {
    nppa: nppaSource(nppaOptions),
    oidc: oidcSource({ providers: [{ ...oidcOptions, jwks: provider.jwks }] }),
    statement: statementSource({ ...statementOptions, issuers: [familyKeys] }),
    phone: googlePlaySource(),
    ...shown.sources,
  };

  async function authorityOf<S extends AgeSources>(its: S) {
    return ageAuthority({
      issuer: 'https://age.example',
      keys: [await generateAuthorityKey()],
      sources: its,
      subjectKey: SECRETS.subjectKey,
      tokenSeconds: 3_000,
      statusList: { uri: 'https://age.example/status', store: watched(memoryStatusStore(), seen) },
      timeZone: 'Asia/Shanghai',
      now,
    });
  }

  return {
    marks,
    clock,
    now,
    fake,
    provider,
    family,
    nppaOptions,
    oidcOptions,
    statementOptions,
    familyKeys,
    sources,
    authorityOf,
    permits: permits({
      key: await generatePermitKey(),
      issuer: AUDIENCE,
      audience: 'https://pay.example',
      now,
    }),
    accounts: ACCOUNTS,
    wallet: shown,
  };
}

export type PrivacyWorld = Awaited<ReturnType<typeof privacyWorld>>;

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
