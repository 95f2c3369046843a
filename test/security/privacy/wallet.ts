import { walletIssuer } from '@spendcap/sandbox/wallet';
import { mdocSource } from '@spendcap/server/age/sources/mdoc';
import { sdJwtSource } from '@spendcap/server/age/sources/sd-jwt';
import { NOW } from '../../server/age/token/token-kit.ts';
import type { Collector } from './leaks.ts';
import { TOKEN_PERSON } from './people.ts';

const { name, email, birthdate } = TOKEN_PERSON;
const AT = { at: NOW };
const INVALID = 'age_evidence_invalid';
const PID = 'urn:eudi:pid:1';
const LICENCE = 'org.iso.18013.5.1.mDL';
const AUDIENCE = 'x509_san_dns:game.example';
const NONCE = 'n-0S6_WzA2Mj';
const SESSION = {
  protocol: 'openid4vp',
  clientId: AUDIENCE,
  nonce: NONCE,
  responseUri: 'https://game.example/response',
} as const;

/** A wallet with documents of a marked person, and what of them must come out nowhere. */
export async function wallet(marks: Map<string, string>) {
  const issuer = walletIssuer({ now: () => NOW });
  const { roots } = issuer;
  const claims = { birthdate, email, family_name: name };
  const pid = await issuer.sdJwt({ type: PID, claims });
  const asked = { claims: Object.keys(claims), nonce: NONCE, audience: AUDIENCE };
  const presentation = await pid.present(asked);
  const elements = { birth_date: birthdate, family_name: name, age_over_18: false };
  const licence = await issuer.mdoc({ type: LICENCE, elements });
  const reply = await licence.present({ elements: Object.keys(elements), session: SESSION });
  const deviceResponse = Buffer.from(reply).toString('base64url');
  marks.set('presentation', presentation).set('device response', deviceResponse);
  for (const [index, part] of presentation.split('~').entries()) {
    if (part !== '') marks.set(`part ${index} of the presentation`, part);
  }
  return {
    sources: {
      sdJwt: sdJwtSource({ issuers: [{ types: [PID], roots }], audience: AUDIENCE }),
      mdoc: mdocSource({ issuers: [{ types: [LICENCE], roots }] }),
    },
    sdJwt: { presentation, nonce: NONCE },
    mdoc: { deviceResponse, session: SESSION },
  };
}

/** Everything usual that can go wrong with what a wallet shows. */
export async function walletRefusals(
  { sources, sdJwt: shown, mdoc: replied }: Awaited<ReturnType<typeof wallet>>,
  seen: Collector,
): Promise<void> {
  const doubled = shown.presentation.replace(/~(.*?)~/, '~$1~$1~');
  for (const [what, wrong] of Object.entries({
    nonce: { nonce: 'another-nonce' },
    cut: { presentation: shown.presentation.slice(0, -1) },
    doubled: { presentation: doubled },
    empty: { presentation: `${name}~${email}` },
  })) {
    const refused = sources.sdJwt.verify({ ...shown, ...wrong }, AT);
    await seen.refused(`sd-jwt ${what}`, refused, INVALID);
  }
  const late = { at: NOW + 366 * 86_400_000 };
  await seen.refused('sd-jwt late', sources.sdJwt.verify(shown, late), INVALID);
  for (const [what, wrong] of Object.entries({
    nonce: { session: { ...SESSION, nonce: 'another-nonce' } },
    cut: { deviceResponse: replied.deviceResponse.slice(0, -4) },
    text: { deviceResponse: `${name} ${birthdate}` },
  })) {
    const refused = sources.mdoc.verify({ ...replied, ...wrong }, AT);
    await seen.refused(`mdoc ${what}`, refused, INVALID);
  }
  await seen.refused('mdoc late', sources.mdoc.verify(replied, late), INVALID);
}
