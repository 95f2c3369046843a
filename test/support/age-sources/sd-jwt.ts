import { sdJwtSource } from '@spendcap/server/age/sources/sd-jwt';
import {
  AUDIENCE,
  type Changes,
  digestOf,
  disclosure,
  NONCE,
  presentation,
  root,
  shown,
  sourceOf,
  TYPE,
} from '../../server/age/sources/sd-jwt/sd-jwt-kit.ts';
import { p256 } from '../../server/jwt/certificate-kit.ts';
import { type AgeSourceEntry, type Refusal, secretsOf } from './entry.ts';
import type { Person } from './people.ts';

const INVALID = 'age_evidence_invalid';
const YEAR_MS = 366 * 86_400_000;

const disclosuresOf = ({ birthdate, email, name }: Person) => [
  disclosure('birthdate', birthdate),
  disclosure('email', email),
  disclosure('family_name', name),
];

/** A credential in a wallet, as SD-JWT VC. */
export const sdJwt: AgeSourceEntry = {
  kind: 'sd_jwt_vc',
  async open({ clock }) {
    const secrets = secretsOf();
    let made = 0;
    const present = (person: Person, changes: Changes = {}) => {
      made += 1;
      const text = presentation({ disclosures: disclosuresOf(person), ...changes });
      return secrets.addEvidence(`presentation ${made}`, text);
    };
    const source = sdJwtSource({
      issuers: [{ types: [TYPE], roots: [root.pem] }],
      audience: AUDIENCE,
    });
    return {
      source,
      evidence: async (person) => [{ presentation: present(person), nonce: NONCE }],
      async refusals(person) {
        const refused = (
          what: string,
          text: string,
          { nonce = NONCE, late = 0 } = {},
        ): Refusal => ({
          what,
          code: INVALID,
          attempt: () => source.verify({ presentation: text, nonce }, { at: clock.at + late }),
        });
        const right = present(person);
        const twice = [...disclosuresOf(person), ...disclosuresOf(person)];
        return [
          refused('nonce', right, { nonce: 'another-nonce' }),
          refused('late', right, { late: YEAR_MS }),
          refused('cut', right.slice(0, -1)),
          refused('doubled', right.replace(/~(.*?)~/, '~$1~$1~')),
          refused('doubled by the issuer', present(person, { disclosures: twice })),
          refused('holder', present(person, { proofKey: p256() })),
          refused('issuer', present(person, { issuerKey: p256() })),
          refused('text', `${person.name}~${person.email}`),
        ];
      },
      secrets: secrets.all,
    };
  },
  async mutated() {
    const verify = sourceOf();
    const nested = disclosure('18', false);
    const held = { _sd: [digestOf(nested)] };
    const disclosures = [nested, disclosure('age_equal_or_over', held)];
    const digests = disclosures.slice(1).map((each) => digestOf(each));
    const valid = presentation({ disclosures, digests });
    const common = { count: 17_500, seed: 20_261_124 };
    const whys = { malformed: 1, certificate_untrusted: 1, disclosure_invalid: 1 };
    return [
      {
        what: 'a presentation of an SD-JWT VC',
        valid,
        ...common,
        show: (text: string) => verify(text),
        whys: { ...whys, holder_proof_invalid: 1 },
      },
      {
        // The holder's proof is right for the mutated credential.
        what: 'an SD-JWT VC, presented by its holder',
        valid: valid.slice(0, valid.lastIndexOf('~') + 1),
        ...common,
        show: (credential: string) => verify(shown(credential)),
        whys: { ...whys, signature_invalid: 1 },
      },
    ];
  },
};
