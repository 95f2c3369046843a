import { oidcSource } from '@spendcap/server/age/sources/oidc';
import {
  CLIENT,
  NONCE,
  PROVIDER,
  provider,
  sourceOf,
} from '../../server/age/sources/oidc/oidc-kit.ts';
import { type Claims, NOW, SECOND } from '../../server/age/token/token-kit.ts';
import { type AgeSourceEntry, claimsAbout, type Refusal, revealing, secretsOf } from './entry.ts';

const INVALID = 'age_evidence_invalid';

/** An OpenID provider’s `id_token`. */
export const oidc: AgeSourceEntry = {
  kind: 'oidc',
  async open({ clock }) {
    const id = await provider();
    const secrets = secretsOf();
    const sign = secrets.signer('id_token', id.sign);
    const options = { issuer: PROVIDER, clientId: CLIENT, assurance: 'assessed' } as const;
    const source = oidcSource({ providers: [{ ...options, jwks: id.jwks }] });
    const unreachable = oidcSource({
      providers: [{ ...options, jwks: new URL('https://keys.example/jwks') }],
      fetch: (url) => Promise.reject(revealing(url)),
    });
    return {
      source,
      evidence: async (person) => [{ idToken: await sign(claimsAbout(person)), nonce: NONCE }],
      async refusals(person): Promise<readonly Refusal[]> {
        const refused = (what: string, idToken: string, by = source): Refusal => ({
          what,
          code: by === source ? INVALID : 'age_source_unavailable',
          attempt: () => by.verify({ idToken, nonce: NONCE }, { at: clock.at }),
        });
        const right = await sign(claimsAbout(person));
        const wrongs: Readonly<Record<string, Claims>> = {
          expired: { exp: SECOND - 60 },
          audience: { aud: person.email },
          issuer: { iss: person.email },
          nonce: { nonce: `${NONCE}-of-another` },
          contradictory: { age_over_18: true },
        };
        const refusals = Object.entries(wrongs).map(async ([what, wrong]) =>
          refused(what, await sign({ ...claimsAbout(person), ...wrong })),
        );
        return [
          ...(await Promise.all(refusals)),
          refused('cut', right.slice(0, -1)),
          refused('keys', right, unreachable),
        ];
      },
      secrets: secrets.all,
    };
  },
  jws: {
    types: ['JWT', undefined],
    show(token, { issuer, audience, jwks, subject, nonce }) {
      const provider = { issuer, clientId: audience, jwks, algorithms: ['ES256'] };
      const source = oidcSource({ providers: [{ ...provider, assurance: 'assessed' }] });
      return source.verify({ idToken: token, nonce }, { at: NOW, subject });
    },
  },
  async mutated() {
    const id = await provider();
    const verify = sourceOf(id, { trustFrameworks: { eidas: 'verified' } });
    return [
      {
        what: 'an id_token',
        valid: await id.sign({ birthdate: '2014-05-01', azp: CLIENT }),
        ...{ count: 35_000, seed: 20_261_124 },
        show: (token: string) => verify(token),
        whys: { malformed: 1, key_unknown: 1, issuer_unknown: 1, signature_invalid: 1 },
      },
    ];
  },
};
