import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import * as mdoc from '../server/age/sources/mdoc/mdoc-kit.ts';
import * as oidc from '../server/age/sources/oidc/oidc-kit.ts';
import * as sdJwt from '../server/age/sources/sd-jwt/sd-jwt-kit.ts';
import { NOW } from '../server/age/token/token-kit.ts';
import { p256 } from '../server/jwt/certificate-kit.ts';

const MARKED = '2014-05-17';
const PID = 'eu.europa.ec.eudi.pid.1';

/** Everything that an error shows to a log, its cause and hidden members included. */
async function logged(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => {
      throw new Error('It was accepted.');
    },
    (reason: unknown) => reason,
  );
  return inspect(error, { depth: 10, showHidden: true, maxStringLength: null });
}

it('tells nothing of a birth date, nor any part of the evidence, in a refusal', async () => {
  const id = await oidc.provider();
  const idToken = await id.sign({ birthdate: MARKED, nonce: 'another' });
  const held = [sdJwt.disclosure('birthdate', MARKED)];
  const texts = [
    sdJwt.presentation({ disclosures: held, proofKey: p256() }),
    sdJwt.presentation({ disclosures: held, issuerKey: p256() }),
    sdJwt.presentation({ disclosures: [...held, ...held] }),
  ];
  const replies = [
    { docType: PID, elements: { birth_date: MARKED }, deviceKey: p256() },
    { docType: PID, elements: { birth_date: MARKED }, issuerKey: p256() },
    { docType: PID, elements: { birth_date: `${MARKED}?` } },
  ].map(mdoc.deviceResponse);
  const readReply = mdoc.sourceOf({ issuers: [{ types: [PID], roots: [mdoc.root.pem] }] });
  const shown = [
    { evidence: idToken, log: await logged(oidc.sourceOf(id)(idToken)) },
    ...(await Promise.all(
      texts.map(async (text) => ({ evidence: text, log: await logged(sdJwt.sourceOf()(text)) })),
    )),
    ...(await Promise.all(
      replies.map(async (reply) => ({
        evidence: Buffer.from(reply).toString('base64url'),
        log: await logged(readReply(reply)),
      })),
    )),
  ];
  for (const { evidence, log } of shown) {
    expect(log).toContain('age_evidence_invalid');
    expect(log).not.toContain(MARKED);
    const parts = evidence.split(/[.~]/).filter((part) => part.length > 20);
    expect(parts.filter((part) => log.includes(part.slice(0, 20)))).toEqual([]);
  }
});

it('keeps no birth date in a finding', async () => {
  const found = await sdJwt.sourceOf()(
    sdJwt.presentation({ disclosures: [sdJwt.disclosure('birthdate', MARKED)] }),
  );
  expect(found).toMatchObject({ range: { min: 12, maxExclusive: 13 }, asOf: NOW });
  expect(JSON.stringify(found)).not.toContain('05-17');
});
