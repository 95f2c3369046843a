import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CONFIG_FILE } from './config.ts';
import {
  configOf,
  DEV_JWKS_FILE,
  environmentOf,
  type Framework,
  type Project,
  routeFiles,
} from './init-templates.ts';
import { codeOf, readJsonFile } from './json-file.ts';
import { listKeys, newKeyFile } from './keys.ts';
import { DEV_KEYS_FILE } from './token.ts';
import { UsageError } from './usage-error.ts';

/** The dependency by which a framework is known, the most specific first. */
const FRAMEWORKS: readonly (readonly [string, Framework])[] = [
  ['next', 'next'],
  ['@nestjs/core', 'nest'],
  ['fastify', 'fastify'],
  ['hono', 'hono'],
  ['express', 'express'],
];

const NAMES: Readonly<Record<Framework, string>> = {
  next: 'Next.js',
  nest: 'NestJS',
  fastify: 'Fastify',
  hono: 'Hono',
  express: 'Express',
  node: 'a Node.js project without a known framework',
  none: 'no package.json: spendcap serve for a server in any language',
};

/** What to do in a project's own code. */
const STEPS: Readonly<Record<Framework, string | null>> = {
  next: null,
  nest: 'in main.ts: mountSpendcap(app) directly after NestFactory.create()',
  fastify: 'in your server: mountSpendcap(app)',
  hono: 'in your server: mountSpendcap(app)',
  express: 'in your server: mountSpendcap(app), before app.use(express.json())',
  node: 'in your request listener: if (spendcap(req, res)) return; other languages: npx spendcap serve',
  none: null,
};

const IGNORED = ['.env', DEV_KEYS_FILE, 'ledger.db*'];

/**
 * Writes what a project needs to try spendcap: configuration, variables, a test issuer of age
 * tokens and the routes for its framework. A file that exists is left as it is.
 *
 * @returns what was written, a line per file, and what to do next
 * @throws UsageError if package.json is not JSON, or a file cannot be written
 */
export async function initProject(folder: string): Promise<readonly string[]> {
  const project = projectIn(folder);
  const { framework, usesStripe } = project;
  const report = [`Found ${NAMES[framework]}${usesStripe ? ' and Stripe' : ''}.`];
  const files: Readonly<Record<string, string>> = {
    [CONFIG_FILE]: configOf(project),
    '.env.example': environmentOf(project),
    ...routeFiles(project),
  };
  for (const [name, content] of Object.entries(files)) {
    report.push(`  ${put(join(folder, name), content) ? 'wrote' : 'kept '}  ${name}`);
  }
  const isNew = await putTestIssuer(folder);
  report.push(`  ${isNew ? 'wrote' : 'kept '}  ${DEV_KEYS_FILE}, ${DEV_JWKS_FILE}`);
  report.push(`  ${ignore(folder) ? 'wrote' : 'kept '}  .gitignore`, '', 'Next:');
  const run = framework === 'none' ? 'spendcap' : 'npx spendcap';
  const step = STEPS[framework];
  const start = { next: '', none: ', and start with spendcap serve' }[framework as string];
  const next = [
    `cp .env.example .env${start ?? ', and start with node --env-file=.env'}`,
    ...(step === null ? [] : [step]),
    ...(usesStripe ? ['charge with `payments` of that module instead of your Stripe client'] : []),
    `${run} token --age 12   prints a test token`,
    `${run} doctor           checks all of it`,
  ];
  return [...report, ...next.map((line, index) => `  ${index + 1}. ${line}`)];
}

function projectIn(folder: string): Project {
  const manifest = join(folder, 'package.json');
  const parties = { issuer: 'https://age.example', audience: 'https://limiter.example' };
  if (!existsSync(manifest)) {
    return { framework: 'none', isTypeScript: false, usesStripe: false, root: '', ...parties };
  }
  const has = (name: string) => dependenciesIn(manifest).has(name);
  const [, framework = 'node'] = FRAMEWORKS.find(([name]) => has(name)) ?? [];
  const isTypeScript = existsSync(join(folder, 'tsconfig.json')) || has('typescript');
  return {
    framework,
    isTypeScript,
    usesStripe: has('stripe'),
    root: hasSources(folder, { framework, isTypeScript }) ? 'src/' : '',
    ...parties,
  };
}

function dependenciesIn(manifest: string): ReadonlySet<string> {
  const content = readJsonFile(manifest, 'a package.json');
  if (typeof content !== 'object' || content === null) {
    throw new UsageError(`'${manifest}' must be an object`);
  }
  const { dependencies, devDependencies } = content as Record<string, object | undefined>;
  return new Set(Object.keys({ ...dependencies, ...devDependencies }));
}

/**
 * Whether the module belongs in `src`: where Next.js has its `app`, and a compiler its `rootDir`,
 * which a source beside it would break or move.
 */
function hasSources(
  folder: string,
  { framework, isTypeScript }: Pick<Project, 'framework' | 'isTypeScript'>,
): boolean {
  if (framework === 'next') return existsSync(join(folder, 'src', 'app'));
  return isTypeScript && existsSync(join(folder, 'src'));
}

/** False if the file exists. */
function put(file: string, content: string): boolean {
  if (existsSync(file)) return false;
  mkdirSync(dirname(file), { recursive: true });
  try {
    writeFileSync(file, content, { flag: 'wx' });
  } catch (error) {
    // Otherwise the next call would keep a part of it.
    if (codeOf(error) !== 'EEXIST') rmSync(file, { force: true });
    throw new UsageError(`cannot write '${file}' (${codeOf(error)})`);
  }
  return true;
}

/** The key pair of `spendcap token`, which proves nothing about anybody. */
async function putTestIssuer(folder: string): Promise<boolean> {
  const keys = join(folder, DEV_KEYS_FILE);
  const isNew = !existsSync(keys);
  if (isNew) await newKeyFile(keys, { alg: 'ES256' });
  const jwks = listKeys(keys, { jwks: true }, Date.now());
  return put(join(folder, DEV_JWKS_FILE), `${jwks}\n`) || isNew;
}

/** Adds what must not be committed. */
function ignore(folder: string): boolean {
  const file = join(folder, '.gitignore');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const known = new Set(before.split('\n').map((line) => line.trim()));
  const added = IGNORED.filter((line) => !known.has(line));
  if (added.length === 0) return false;
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  writeFileSync(file, `${before}${gap}${added.join('\n')}\n`);
  return true;
}
