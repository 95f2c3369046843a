import { describe, expect, it } from 'vitest';
import * as mdoc from '../server/age/sources/mdoc/mdoc-kit.ts';
import * as oidc from '../server/age/sources/oidc/oidc-kit.ts';
import * as sdJwt from '../server/age/sources/sd-jwt/sd-jwt-kit.ts';
import { mutantBytes, mutantTokens, refusalsOf } from './mutate.ts';

const SEED = 20_261_124;
const COUNT = 35_000;
const LIMIT_MS = 60_000;

/** A mutant is refused as evidence: never accepted, and never with an error of a library’s. */
const REFUSED = 'age_evidence_invalid';

/** Half of them by the holder, who proves anew whatever has become of the credential. */
function* mutantPresentations(text: string, count: number): Generator<string> {
  const half = { seed: SEED, count: count / 2 };
  yield* mutantTokens(text, half);
  const credential = text.slice(0, text.lastIndexOf('~') + 1);
  for (const mutant of mutantTokens(credential, half)) yield sdJwt.shown(mutant);
}

describe(`${COUNT} mutants each`, () => {
  it(
    'of an id_token are refused',
    async () => {
      const id = await oidc.provider();
      const verify = oidc.sourceOf(id, { trustFrameworks: { eidas: 'verified' } });
      const token = await id.sign({ birthdate: '2014-05-01', azp: oidc.CLIENT });
      await verify(token);
      const mutants = mutantTokens(token, { seed: SEED, count: COUNT });
      const refusals = await refusalsOf(mutants, (mutant) => verify(mutant), REFUSED);
      expect([...refusals.keys()]).toEqual(
        expect.arrayContaining(['malformed', 'key_unknown', 'issuer_unknown', 'signature_invalid']),
      );
    },
    LIMIT_MS,
  );

  it(
    'of an SD-JWT VC are refused',
    async () => {
      const verify = sdJwt.sourceOf();
      const nested = sdJwt.disclosure('18', false);
      const held = { _sd: [sdJwt.digestOf(nested)] };
      const disclosures = [nested, sdJwt.disclosure('age_equal_or_over', held)];
      const digests = disclosures.slice(1).map((each) => sdJwt.digestOf(each));
      const text = sdJwt.presentation({ disclosures, digests });
      await verify(text);
      const mutants = mutantPresentations(text, COUNT);
      const refusals = await refusalsOf(mutants, (mutant) => verify(mutant), REFUSED);
      expect([...refusals.keys()]).toEqual(
        expect.arrayContaining([
          'malformed',
          'certificate_untrusted',
          'disclosure_invalid',
          'signature_invalid',
          'holder_proof_invalid',
        ]),
      );
    },
    LIMIT_MS,
  );

  it(
    'of an mdoc are refused',
    async () => {
      const verify = mdoc.sourceOf();
      const bytes = mdoc.deviceResponse({ elements: { age_over_16: true, age_over_18: false } });
      await verify(bytes);
      const mutants = mutantBytes(bytes, { seed: SEED, count: COUNT });
      const refusals = await refusalsOf(mutants, (mutant) => verify(mutant), REFUSED);
      expect([...refusals.keys()]).toEqual(
        expect.arrayContaining([
          'malformed',
          'certificate_untrusted',
          'disclosure_invalid',
          'signature_invalid',
          'holder_proof_invalid',
        ]),
      );
    },
    LIMIT_MS,
  );
});
