import { globSync } from 'node:fs';
import { join } from 'node:path';

/** Their binaries are packages of their own, one for each platform. */
export const RUNTIMES = { bun: 'bun@1.4.5', deno: 'deno@2.9.6' } as const;

const BINARIES = { bun: '@oven/*/bin/bun', deno: '@deno/*/deno' } as const;

/** The command that runs a program in another runtime than Node.js. */
export function commandOf(folder: string, runtime: keyof typeof RUNTIMES): readonly string[] {
  const [binary] = globSync(join(folder, 'node_modules', BINARIES[runtime]));
  if (binary === undefined) throw new Error(`${runtime} is not installed`);
  return runtime === 'deno' ? [binary, 'run', '--allow-all'] : [binary];
}

/** Buys with both stores that need no server, and closes them. */
export const programOf = (runtime: keyof typeof RUNTIMES): string => `
  import { ageIssuer } from '@spendcap/sandbox';
  import { ageTokens, cnGame, createLimiter } from '@spendcap/server';
  import { memoryStore } from '@spendcap/server/stores/memory';
  import { sqliteStore } from '@spendcap/server/stores/sqlite';

  const age = { issuer: 'https://age.example', audience: 'https://shop.example' };
  const authority = await ageIssuer(age);
  const ageToken = await authority.issue({ subject: 'player-12', age: 12 });
  const issuers = [{ ...age, jwks: authority.jwks }];
  const bought = [];
  for (const store of [memoryStore(), sqliteStore({ path: '${runtime}.db' })]) {
    const limiter = createLimiter({ policy: cnGame(), store, ageTokens: ageTokens({ issuers }) });
    for (const [id, amount] of [['order-1', '48.00'], ['order-2', '60.00']]) {
      const { allowed } = await limiter.reserve({ id, amount, currency: 'CNY', ageToken });
      bought.push(allowed);
    }
    await limiter.commit('order-1');
    await limiter.close();
  }
  console.log(JSON.stringify(bought));`;
