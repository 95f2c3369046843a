import { hash } from 'node:crypto';
import {
  type AttestationVerifier,
  appleSource,
  googlePlaySource,
} from '@spendcap/server/age/sources/platform';
import { NOW } from '../../server/age/token/token-kit.ts';
import { type AgeSourceEntry, type Refusal, revealing, secretsOf } from './entry.ts';
import type { Person } from './people.ts';

const INVALID = 'age_evidence_invalid';
const NONCE = 'a-nonce-of-this-request';

type Members = Readonly<Record<string, unknown>>;

/** Takes the hash of a signal for its attestation. */
const attest: AttestationVerifier = async ({ signal, attestation }) =>
  hash('sha256', signal) === attestation;

const attested = (members: Members) => {
  const signal = JSON.stringify({ ...members, nonce: NONCE });
  return { signal, attestation: hash('sha256', signal), nonce: NONCE };
};

function ageOf({ birthdate }: Person): number {
  const [today, born] = [new Date(NOW).toISOString(), birthdate];
  const years = Number(today.slice(0, 4)) - Number(born.slice(0, 4));
  return born.slice(5) <= today.slice(5, 10) ? years : years - 1;
}

interface Platform {
  readonly kind: string;
  readonly sourceOf: typeof appleSource;
  /** What the platform answers about someone of this age. */
  signalOf(age: number): Members;
}

/** A platform's signal about the age of the account, bound to the app by an attestation. */
function platform({ kind, sourceOf, signalOf }: Platform): AgeSourceEntry {
  const source = sourceOf({ attest });
  return {
    kind,
    async open({ clock }) {
      const secrets = secretsOf();
      const evidenceOf = (person: Person) => {
        const evidence = attested(signalOf(ageOf(person)));
        secrets.add('signal', evidence.signal);
        secrets.add('attestation', evidence.attestation);
        return evidence;
      };
      return {
        source,
        evidence: async (person) => [evidenceOf(person)],
        async refusals(person): Promise<readonly Refusal[]> {
          const right = evidenceOf(person);
          const texts = [JSON.stringify(person), `${JSON.stringify(person)}{`];
          const at = () => ({ at: clock.at });
          const failing = sourceOf({ attest: (given) => Promise.reject(revealing(given)) });
          const shown = (what: string, change: object): Refusal => ({
            what,
            code: INVALID,
            attempt: () => source.verify({ ...right, ...change }, at()),
          });
          return [
            shown('attestation', { attestation: person.name }),
            shown('nonce', { nonce: `${NONCE}-of-another` }),
            ...texts.map(
              (signal): Refusal => ({
                what: 'signal',
                code: INVALID,
                attempt: () => sourceOf().verify({ signal }, at()),
              }),
            ),
            {
              what: 'attest',
              code: 'age_source_unavailable',
              attempt: () => failing.verify({ ...right, attestation: person }, at()),
            },
          ];
        },
        secrets: secrets.all,
      };
    },
    async mutated() {
      const { signal, ...rest } = attested(signalOf(17));
      return [
        {
          what: `an attested signal of ${kind}`,
          valid: Buffer.from(signal),
          ...{ count: 20_000, seed: 7 },
          show(bytes: Uint8Array) {
            const text = Buffer.from(bytes).toString('latin1');
            return source.verify({ ...rest, signal: text }, { at: NOW });
          },
          whys: { attestation_invalid: 21 },
        },
      ];
    },
  };
}

const GATES = [8, 16, 18];

export const apple = platform({
  kind: 'apple_age_range',
  sourceOf: appleSource,
  signalOf: (age) => ({
    platform: 'apple',
    response: 'sharing',
    ageGates: GATES,
    lowerBound: GATES.findLast((gate) => gate <= age) ?? null,
    upperBound: GATES.find((gate) => gate > age) ?? null,
    ageRangeDeclaration: 'confirmed',
  }),
});

const BANDS = [
  [0, 7],
  [8, 15],
  [16, 17],
  [18, null],
] as const;

export const googlePlay = platform({
  kind: 'google_play_age_signals',
  sourceOf: googlePlaySource,
  signalOf(age) {
    const [ageLower, ageUpper] = BANDS.findLast(([lower]) => lower <= age) ?? [0, 7];
    return {
      ...{ platform: 'google_play', version: '0.0.4', access: 'SHARED' },
      ...{ ageRangeSource: 'TIER_D', ageLower, ageUpper },
    };
  },
});
