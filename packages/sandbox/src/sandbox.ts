import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Policy } from '@spendcap/core';
import { exportJWK, generateKeyPair } from 'jose';
import Stripe from 'stripe';
import { ageIssuer, type SandboxAgeIssuer } from './age-issuer.ts';
import { type Clock, sandboxClock } from './clock.ts';
import { fakeStripe } from './fake-stripe.ts';
import { createGame, type Game } from './game.ts';
import type { Persona } from './personas.ts';
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
  readonly port: number;
  /** Generated at each start, valid for this sandbox only. */
  readonly apiKey: string;
  /** A private JWK. */
  readonly permitKey: Readonly<Record<string, unknown>>;
  /** Of the age authority and of the shop. `serve` starts a process, which has the real time. */
  readonly clock: Clock;
  /** The age authority, as `ageTokens` takes it. */
  readonly age: { readonly issuer: string; readonly audience: string } & Pick<
    SandboxAgeIssuer,
    'jwks'
  >;
  readonly api: SpendcapApi;
  readonly game: Game;
  serve(what: StoreAndPolicy): Promise<RunningServer>;
  /** Issues an age token for a persona. Default lifetime: a few minutes. */
  tokenOf(personaId: string, expiresInSeconds?: number): Promise<string>;
  /** Issues any age token. */
  readonly issue: SandboxAgeIssuer['issue'];
  /** Number of charge requests to the processor. */
  chargeAttempts(): number;
  /** Removes the temporary folder. */
  dispose(): void;
}

/** @param wantedPort of the spendcap server; another one is used if it is taken */
export async function createSandbox(wantedPort: number): Promise<Sandbox> {
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-sandbox-'));
  const clock = sandboxClock();
  const issuer = await ageIssuer({ issuer: ISSUER, audience: AUDIENCE, now: clock.now });
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
    port,
    apiKey: secrets.apiKey,
    permitKey: JSON.parse(secrets.permitKey),
    clock,
    age: { issuer: ISSUER, audience: AUDIENCE, jwks: issuer.jwks },
    api,
    game: createGame({ spendcap: api, stripe }),
    chargeAttempts,
    issue: issuer.issue,
    serve: ({ store, policy }) => {
      const age: ServerOptions['age'] = { issuer: ISSUER, audience: AUDIENCE, jwksFile };
      const location = `sqlite:${join(folder, `${store}.db`)}`;
      return startServer({ port, policy: policyArgument(policy), store: location, age, secrets });
    },
    // The issuer refuses any other name.
    tokenOf: (personaId, expiresInSeconds) =>
      issuer.tokenOf(
        personaId as Persona['id'],
        expiresInSeconds === undefined ? {} : { expiresInSeconds },
      ),
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
