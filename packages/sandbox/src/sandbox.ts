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
  /** Name of the store; the same name opens the same ledger. */
  readonly store: string;
  /** A built-in policy's id, or a document. */
  readonly policy: string | Policy;
}

/** An age authority, a processor and a game around one spendcap server at a time. */
export interface Sandbox {
  readonly url: string;
  /** Generated at each start, valid for this sandbox only. */
  readonly apiKey: string;
  readonly api: SpendcapApi;
  readonly game: Game;
  serve(what: StoreAndPolicy): Promise<RunningServer>;
  /** Issues an age token for a persona. Default lifetime: a few minutes. */
  tokenOf(personaId: string, expiresInSeconds?: number): Promise<string>;
  /** Number of charge requests to the processor. */
  chargeAttempts(): number;
  /** Removes the temporary folder. */
  dispose(): void;
}

/** @param wantedPort of the spendcap server; another one is used if it is taken */
export async function createSandbox(wantedPort: number): Promise<Sandbox> {
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-sandbox-'));
  const issuer = await ageIssuer({ issuer: ISSUER, audience: AUDIENCE });
  const jwksFile = join(folder, 'age-jwks.json');
  writeFileSync(jwksFile, JSON.stringify(issuer.jwks));
  const secrets = await makeSecrets();
  // The server keeps its port after a restart, so that no client has to be reconfigured.
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
      if (persona === undefined) throw new TypeError('unknown persona');
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

/** The real Stripe SDK on top of the fake; counts the charge requests. */
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
