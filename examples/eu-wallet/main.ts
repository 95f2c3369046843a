// From a wallet's answer to a cap at checkout. The requests are OpenID4VP's, without its transport.
import { randomUUID } from 'node:crypto';
import { type WalletMdoc, type WalletSdJwt, walletIssuer } from '@spendcap/sandbox/wallet';
import { ageTokens, createLimiter, parsePolicy, SpendcapError } from '@spendcap/server';
import { ageAuthority, generateAuthorityKey } from '@spendcap/server/age/authority';
import { mdocSource } from '@spendcap/server/age/sources/mdoc';
import { sdJwtSource } from '@spendcap/server/age/sources/sd-jwt';
import { memoryStore } from '@spendcap/server/stores/memory';
import policy from './policy.json' with { type: 'json' };

const issuer = walletIssuer(); // In production: the issuers of a trusted list.
const game = {
  client_id: 'x509_san_dns:game.example',
  response_uri: 'https://game.example/answer',
};

const authority = ageAuthority({
  issuer: 'https://age.example',
  keys: [await generateAuthorityKey()], // In production: kept, see `spendcap keys new`.
  subjectKey: 'a secret of sixteen bytes or more',
  sources: {
    mdoc: mdocSource({ issuers: [{ types: ['eu.europa.ec.av.1'], roots: issuer.roots }] }),
    sdJwt: sdJwtSource({
      issuers: [{ types: ['urn:eudi:pid:1'], roots: issuer.roots }],
      audience: game.client_id,
    }),
  },
});

const audience = 'https://game.example';
const limiter = createLimiter({
  policy: parsePolicy(policy),
  store: memoryStore(),
  ageTokens: ageTokens({
    issuers: [{ issuer: 'https://age.example', audience, jwks: authority.jwks() }],
  }),
});

/** The game's request, which the wallet answers and which is forgotten with the answer. */
const request = () => ({ ...game, nonce: randomUUID() });
type Asked = ReturnType<typeof request>;
type Answer = { readonly mdoc: Uint8Array } | { readonly sdJwt: string };
type Exchange = { readonly asked: Asked; readonly answer: Answer };

/** The game's server: an answer to its request becomes an age token, and that a decision. */
async function buy(player: string, amount: string, { asked, answer }: Exchange): Promise<void> {
  const { client_id: clientId, response_uri: responseUri, nonce } = asked;
  const session = { protocol: 'openid4vp', clientId, responseUri, nonce } as const;
  const evidence =
    'mdoc' in answer
      ? { mdoc: { deviceResponse: answer.mdoc, session } }
      : { sdJwt: { presentation: answer.sdJwt, nonce } };
  try {
    const ageToken = await authority.issue(evidence, { subject: player, audience });
    const order = { id: randomUUID(), amount, currency: 'EUR', ageToken };
    const decision = await limiter.reserve(order);
    const said = decision.allowed ? 'allowed' : decision.reasons.map(({ code }) => code).join();
    console.log(`${player} buys for ${amount}: ${said}`);
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    console.log(`${player} has no token: ${error.why}`);
  }
}

/** The wallets: what they hold, and how they answer. */
const showAge = async (held: WalletMdoc, { client_id: clientId, nonce }: Asked) => {
  const session = {
    protocol: 'openid4vp',
    clientId,
    responseUri: game.response_uri,
    nonce,
  } as const;
  return { mdoc: await held.present({ elements: ['age_over_18'], session }) };
};
const showBirthdate = async (held: WalletSdJwt, { client_id, nonce }: Asked) => ({
  sdJwt: await held.present({ claims: ['birthdate'], nonce, audience: client_id }),
});

const type = 'eu.europa.ec.av.1';
const adult = await issuer.mdoc({ type, elements: { age_over_18: true } });
const asked = request();
const answer = await showAge(adult, asked);
await buy('adult', '500.00', { asked, answer });
await buy('copycat', '500.00', { asked: request(), answer }); // The same answer, to another request.

const born = `${new Date().getFullYear() - 12}-01-01`;
const child = await issuer.sdJwt({ type: 'urn:eudi:pid:1', claims: { birthdate: born } });
for (const amount of ['25.00', '10.00']) {
  const asked = request();
  await buy('child', amount, { asked, answer: await showBirthdate(child, asked) });
}
await limiter.close();
