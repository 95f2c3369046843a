import { type StatementOptions, statementSource } from '@spendcap/server/age/sources/statement';
import {
  type Authority,
  authority,
  type Claims,
  ISSUER,
  NOW,
  SECOND,
} from '../../server/age/token/token-kit.ts';
import { type AgeSourceEntry, claimsAbout, type Refusal, revealing, secretsOf } from './entry.ts';

const INVALID = 'age_evidence_invalid';
const AUDIENCE = 'https://authority.example';
const HEADER = { typ: 'age-statement+jwt' };

const optionsOf = ({ jwks }: Authority): StatementOptions => ({
  by: 'guardian',
  audience: AUDIENCE,
  issuers: [{ issuer: ISSUER, jwks }],
});

/** A guardian's signed statement. */
export const statement: AgeSourceEntry = {
  kind: 'guardian_statement',
  async open({ clock }) {
    const guardian = await authority();
    const secrets = secretsOf();
    const sign = secrets.signer('statement', (claims) =>
      guardian.sign({ aud: AUDIENCE, jti: 'statement-1', ...claims }, HEADER),
    );
    const options = optionsOf(guardian);
    const source = statementSource(options);
    const unreachable = statementSource({
      ...options,
      issuers: [{ issuer: ISSUER, jwks: new URL('https://keys.example/jwks') }],
      fetch: (url) => Promise.reject(revealing(url)),
    });
    return {
      source,
      evidence: async (person) => [
        { statement: await sign(claimsAbout(person)), account: person.account },
      ],
      async refusals(person): Promise<readonly Refusal[]> {
        const { account, name, email } = person;
        const refused = (what: string, text: string, by = source): Refusal => ({
          what,
          code: by === source ? INVALID : 'age_source_unavailable',
          attempt: () => by.verify({ statement: text, account }, { at: clock.at }),
        });
        const right = await sign(claimsAbout(person));
        const unsure = statementSource({
          ...options,
          isRevoked: (given) => Promise.reject(revealing(given, right)),
        });
        const wrongs: Readonly<Record<string, Claims>> = {
          expired: { exp: SECOND - 60 },
          audience: { aud: email },
          issuer: { iss: email },
          account: { sub: email },
          contradictory: { age_over_18: true },
          claim: { age_range: { name, email } },
        };
        const refusals = Object.entries(wrongs).map(async ([what, wrong]) =>
          refused(what, await sign({ ...claimsAbout(person), ...wrong })),
        );
        return [
          ...(await Promise.all(refusals)),
          refused('cut', right.slice(0, -1)),
          refused('keys', right, unreachable),
          refused('revocation', right, unsure),
        ];
      },
      secrets: secrets.all,
    };
  },
  jws: {
    types: ['age-statement+jwt'],
    show(token, { issuer, audience, jwks, subject }) {
      const source = statementSource({ by: 'guardian', audience, issuers: [{ issuer, jwks }] });
      return source.verify({ statement: token, account: subject }, { at: NOW, subject });
    },
  },
  async mutated() {
    const guardian = await authority();
    const source = statementSource(optionsOf(guardian));
    const claims = { aud: [AUDIENCE, 'x'], jti: 's', exp: SECOND + 60, age_over_18: true };
    return [
      {
        what: 'a statement',
        valid: await guardian.sign(claims, HEADER),
        ...{ count: 50_000, seed: 4 },
        show: (text: string) =>
          source.verify({ statement: text, account: 'player-1' }, { at: NOW }),
        whys: {
          ...{ malformed: 1, algorithm_not_allowed: 1, key_unknown: 1, issuer_unknown: 1 },
          signature_invalid: 10_001,
        },
      },
    ];
  },
};
