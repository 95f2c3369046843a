import { mdocSource } from '@spendcap/server/age/sources/mdoc';
import {
  type Changes,
  deviceResponse,
  root,
  SESSION,
  sourceOf,
} from '../../server/age/sources/mdoc/mdoc-kit.ts';
import { p256 } from '../../server/jwt/certificate-kit.ts';
import { type AgeSourceEntry, type Refusal, secretsOf } from './entry.ts';
import type { Person } from './people.ts';

const PID = 'eu.europa.ec.eudi.pid.1';
const INVALID = 'age_evidence_invalid';
const YEAR_MS = 366 * 86_400_000;

/** A document in a wallet, as ISO mdoc. */
export const mdoc: AgeSourceEntry = {
  kind: 'mdoc',
  async open({ clock }) {
    const secrets = secretsOf();
    let made = 0;
    const reply = ({ birthdate, name }: Person, changes: Changes = {}): string => {
      made += 1;
      const elements = { birth_date: birthdate, family_name: name };
      const bytes = deviceResponse({ docType: PID, elements, ...changes });
      const text = Buffer.from(bytes).toString('base64url');
      return secrets.add(`device response ${made}`, text);
    };
    const source = mdocSource({ issuers: [{ types: [PID], roots: [root.pem] }] });
    return {
      source,
      evidence: async (person) => [{ deviceResponse: reply(person), session: SESSION }],
      async refusals(person) {
        const refused = (what: string, text: string, { change = {}, late = 0 } = {}): Refusal => ({
          what,
          code: INVALID,
          attempt: () =>
            source.verify(
              { deviceResponse: text, session: { ...SESSION, ...change } },
              { at: clock.at + late },
            ),
        });
        const right = reply(person);
        return [
          refused('nonce', right, { change: { nonce: 'another-nonce' } }),
          refused('late', right, { late: YEAR_MS }),
          refused('cut', right.slice(0, -4)),
          refused('holder', reply(person, { deviceKey: p256() })),
          refused('issuer', reply(person, { issuerKey: p256() })),
          refused('birth date', reply({ ...person, birthdate: `${person.birthdate}?` })),
          refused('text', `${person.name} ${person.birthdate}`),
        ];
      },
      secrets: secrets.all,
    };
  },
  async mutated() {
    const verify = sourceOf();
    return [
      {
        what: 'an mdoc',
        valid: deviceResponse({ elements: { age_over_16: true, age_over_18: false } }),
        ...{ count: 35_000, seed: 20_261_124 },
        show: (bytes: Uint8Array) => verify(bytes),
        whys: {
          ...{ malformed: 1, certificate_untrusted: 1, disclosure_invalid: 1 },
          ...{ signature_invalid: 1, holder_proof_invalid: 1 },
        },
      },
    ];
  },
};
