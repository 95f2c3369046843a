import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Policy } from '@spendcap/core';
import { exportJWK, generateKeyPair } from 'jose';
import Stripe from 'stripe';
import { ageIssuer } from './age-issuer.ts';
import { fakeStripe } from './fake-stripe.ts';
import { createGame, type Game } from './game.ts';
import { PERSONAS } from './personas.ts';
import { type SpendcapApi, spendcapApi } from './spendcap-api.ts';
import {
  freePort,
  type RunningServer,
  type ServerOptions,
  startServer,
} from './spendcap-server.ts';

const ISSUER = 'https://age.sandbox.example';
const AUDIENCE = 'https://spendcap.sandbox.example';

export interface StoreAndPolicy {
  /** A store's name; the same name is the same ledger again. */
  readonly store: string;
  /** A built-in policy's id, or a document. */
  readonly policy: string | Policy;
}

/** An age authority, a processor and a game, round one spendcap server at a time. */
export interface Sandbox {
  readonly url: string;
  /** Made at each start, good for this sandbox alone. */
  readonly apiKey: string;
  readonly api: SpendcapApi;
  readonly game: Game;
  serve(what: StoreAndPolicy): Promise<RunningServer>;
  /** A fresh age token of a persona, good for some minutes unless told otherwise. */
  tokenOf(personaId: string, expiresInSeconds?: number): Promise<string>;
  /** How many charges the processor was asked for. */
  chargeAttempts(): number;
  /** Removes the temporary folder. */
  dispose(): void;
}

/** @param wantedPort of the spendcap server; another one if somebody listens there already */
export async function createSandbox(wantedPort: number): Promise<Sandbox> {
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-sandbox-'));
  const issuer = await ageIssuer({ issuer: ISSUER, audience: AUDIENCE });
  const jwksFile = join(folder, 'age-jwks.json');
  writeFileSync(jwksFile, JSON.stringify(issuer.jwks));
  const secrets = await makeSecrets();
  // The server comes back on its port after a restart, so that nobody has to be told.
  const port = await freePort(wantedPort);
  const url = `http://127.0.0.1:${port}`;
  const api = spendcapApi(url, secrets.apiKey);
  const { stripe, chargeAttempts } = countingStripe();

  return {
    url,
    apiKey: secrets.apiKey,
    api,
    game: createGame({ spendcap: api, stripe }),
    chargeAttempts,
    serve: ({ store, policy }) => {
      const age: ServerOptions['age'] = { issuer: ISSUER, audience: AUDIENCE, jwksFile };
      const location = `sqlite:${join(folder, `${store}.db`)}`;
      return startServer({ port, policy: policyArgument(policy), store: location, age, secrets });
    },
    tokenOf: (personaId, expiresInSeconds) => {
      const persona = PERSONAS.find(({ id }) => id === personaId);
      if (persona === undefined) throw new TypeError('there is no such persona');
      const { id: subject, age } = persona;
      const expiry = expiresInSeconds === undefined ? {} : { expiresInSeconds };
      return issuer.issue({ subject, age, ...expiry });
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };

  function policyArgument(policy: string | Policy): string {
    if (typeof policy === 'string') return policy;
    const file = join(folder, `${policy.version}.json`);
    writeFileSync(file, JSON.stringify(policy));
    return file;
  }
}

async function makeSecrets(): Promise<ServerOptions['secrets']> {
  const random = () => randomBytes(24).toString('base64url');
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const permitKey = { ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'sandbox' };
  return { apiKey: random(), subjectKey: random(), permitKey: JSON.stringify(permitKey) };
}

/** The real Stripe SDK, its requests answered by the fake and counted. */
function countingStripe() {
  const fake = fakeStripe();
  let attempts = 0;
  const stripe = new Stripe('sk_test_sandbox', {
    httpClient: Stripe.createFetchHttpClient(async (input, init) => {
      const request = new Request(input, init);
      const { pathname } = new URL(request.url);
      if (request.method === 'POST' && pathname === '/v1/payment_intents') attempts += 1;
      return fake.fetch(request);
    }),
    telemetry: false,
  });
  return { stripe, chargeAttempts: () => attempts };
}
