import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/packages.ts';
import { must } from './bundlers.ts';

export const NEST = [
  ...['@nestjs/common@12.5.1', '@nestjs/core@12.5.1', '@nestjs/platform-express@12.5.1'],
  ...['reflect-metadata@0.2.2', 'rxjs@7.8.2', 'stripe@23.1.0'],
];

const MAIN = `
  import 'reflect-metadata';
  import { Controller, Module, Post } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { mountSpendcap, payments } from './spendcap.js';

  @Controller()
  class Shop {
    @Post('buy')
    async buy() {
      const spendcap = { id: 'order-1', ageToken: 'abc' };
      return payments.paymentIntents.create({ amount: 4800, currency: 'cny' }, { spendcap });
    }
    @Post('fault')
    fault() {
      throw new Error('of the shop');
    }
  }

  @Module({ controllers: [Shop] })
  class App {}

  async function main() {
    const app = await NestFactory.create(App, { rawBody: true, logger: false });
    mountSpendcap(app);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const post = async (path: string) => {
      const response = await fetch(url + path, { method: 'POST', body: '{}' });
      const { code, outcome } = (await response.json()) as Record<string, unknown>;
      return [response.status, code ?? outcome ?? null];
    };
    console.log(JSON.stringify([
      await post('/buy'),
      await post('/fault'),
      await post('/webhook/stripe'),
      (await fetch(url + '/spendcap/health/ready')).status,
    ]));
    process.exit();
  }
  void main();`;

/** Those of the project that Nest's own command makes. */
const COMPILER_OPTIONS = {
  ...{
    module: 'nodenext',
    target: 'ES2023',
    rootDir: './src',
    outDir: './dist',
    incremental: true,
  },
  ...{ declaration: true, sourceMap: true, removeComments: true, isolatedModules: true },
  ...{ emitDecoratorMetadata: true, experimentalDecorators: true, skipLibCheck: true },
  ...{ strictNullChecks: true, noImplicitAny: false, strictBindCallApply: false },
  ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')] },
};

/** Compiles and runs a NestJS program with the module of `spendcap init`, and returns its JSON. */
export async function runNest(
  folder: string,
  run: (command: string, args: readonly string[], cwd: string) => Promise<string>,
): Promise<unknown> {
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src', 'main.ts'), MAIN);
  const tsconfig = { compilerOptions: COMPILER_OPTIONS, include: ['src'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  await must(folder, join(folder, 'node_modules', '.bin', 'spendcap'), ['init']);
  await must(folder, 'tsc', ['-p', '.']);
  return JSON.parse(await run('node', ['--env-file=.env.example', 'dist/main.js'], folder));
}
