// From a wallet's response to a cap at checkout. OpenID4VP requests, without their transport.
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
  keys: [await generateAuthorityKey()], // In production: stored keys, see `spendcap keys new`.
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

/** The game's request for a presentation, used once. */
const newRequest = () => ({ ...game, nonce: randomUUID() });
type WalletRequest = ReturnType<typeof newRequest>;
type Answer = { readonly mdoc: Uint8Array } | { readonly sdJwt: string };
type Exchange = { readonly request: WalletRequest; readonly answer: Answer };

/** The game's server: turns the wallet's answer into an age token and reserves with it. */
async function buy(player: string, amount: string, { request, answer }: Exchange): Promise<void> {
  const { client_id: clientId, response_uri: responseUri, nonce } = request;
  const session = { protocol: 'openid4vp', clientId, responseUri, nonce } as const;
  const evidence =
    'mdoc' in answer
      ? { mdoc: { deviceResponse: answer.mdoc, session } }
      : { sdJwt: { presentation: answer.sdJwt, nonce } };
  try {
    const ageToken = await authority.issue(evidence, { subject: player, audience });
    const order = { id: randomUUID(), amount, currency: 'EUR', ageToken };
    const decision = await limiter.reserve(order);
    const result = decision.allowed ? 'allowed' : decision.reasons.map(({ code }) => code).join();
    console.log(`${player} buys for ${amount}: ${result}`);
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    console.log(`${player} has no token: ${error.why}`);
  }
}

/** The wallets: each presents its document for a request. */
const showAge = async (held: WalletMdoc, { client_id: clientId, nonce }: WalletRequest) => {
  const session = {
    protocol: 'openid4vp',
    clientId,
    responseUri: game.response_uri,
    nonce,
  } as const;
  return { mdoc: await held.present({ elements: ['age_over_18'], session }) };
};
const showBirthdate = async (held: WalletSdJwt, { client_id, nonce }: WalletRequest) => ({
  sdJwt: await held.present({ claims: ['birthdate'], nonce, audience: client_id }),
});

const type = 'eu.europa.ec.av.1';
const adult = await issuer.mdoc({ type, elements: { age_over_18: true } });
const request = newRequest();
const answer = await showAge(adult, request);
await buy('adult', '500.00', { request, answer });
await buy('copycat', '500.00', { request: newRequest(), answer }); // A replayed answer.

const born = `${new Date().getFullYear() - 12}-01-01`;
const child = await issuer.sdJwt({ type: 'urn:eudi:pid:1', claims: { birthdate: born } });
for (const amount of ['25.00', '10.00']) {
  const request = newRequest();
  await buy('child', amount, { request, answer: await showBirthdate(child, request) });
}
await limiter.close();
