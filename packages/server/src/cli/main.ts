#!/usr/bin/env node
import { SpendcapError } from '@spendcap/core';
import { Command, CommanderError } from 'commander';
import { type KeyFlags, listKeys, newKeyFile, rotateKeys } from './keys.ts';
import { BUILT_IN_NAMES, faultsOf, loadPolicy, policyTable } from './policy.ts';
import { migrate, type PostgresFlags } from './postgres.ts';
import { serve } from './serve.ts';
import { type ServeFlags, STORES } from './settings.ts';
import { UsageError } from './usage-error.ts';

const EXIT_USAGE = 2;
/** Commander's code where a command was needed: its help has been printed instead. */
const HELP_SHOWN = 'commander.help';

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const SCHEMA = ['--schema <name>', 'schema of a Postgres store', 'spendcap'] as const;

function addServe(program: Command): void {
  program
    .command('serve')
    .description('Serve the HTTP API. SIGTERM finishes what is under way.')
    .requiredOption('--port <n>', 'port to listen on, 0 for a free one')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .requiredOption('--policy <name>', `${BUILT_IN_NAMES}, or a JSON file`)
    .requiredOption('--store <location>', STORES)
    .option(...SCHEMA)
    .option('--age-issuer <issuer>', 'the iss of age tokens')
    .option('--age-jwks <location>', 'the URL or file of their public keys, a JWK Set')
    .option('--age-audience <audience>', 'the aud of age tokens')
    .option('--age-assurance <level>', 'how sure all of them are, whatever they say')
    .option('--age-status-lists <url>', 'where their status lists stand, if they may be revoked')
    .option('--age-issuers <file>', 'instead of these: several issuers, a list in a JSON file')
    .option('--permit-issuer <issuer>', 'the iss of permits', 'spendcap')
    .option('--permit-audience <audience>', 'the aud of permits', 'payments')
    .option('--base-path <path>', 'path that every route begins with, as /spendcap')
    .option('--public-url <url>', 'what players call it; needed to take bound age tokens')
    .option('--cors-origin <origin...>', 'origins whose pages may ask for allowance and decisions')
    .addHelpText(
      'after',
      '\nEnvironment:\n' +
        '  SPENDCAP_API_KEYS     comma-separated keys of 16 or more characters; needed\n' +
        '  SPENDCAP_PERMIT_KEY   private JWK that signs permits; made anew if absent\n' +
        '  SPENDCAP_SUBJECT_KEY  secret of 16 or more bytes that makes pseudonyms of subjects',
    )
    .action((flags: ServeFlags) => serve(flags, process.env));
}

function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('Make the schema of a Postgres store, or bring it up to date.')
    .requiredOption('--store <location>', 'postgres://...')
    .option(...SCHEMA)
    .action(async (flags: PostgresFlags) => {
      await migrate(flags);
      print('OK');
    });
}

function addPolicy(program: Command): void {
  const policy = program.command('policy').description('Check and show policies.');
  policy
    .command('check')
    .description('Print OK, or each fault with its path.')
    .argument('<file>', 'a policy in a JSON file')
    .action((file: string) => {
      const faults = faultsOf(file);
      print(faults.length === 0 ? 'OK' : faults.join('\n'));
      if (faults.length > 0) process.exitCode = 1;
    });
  policy
    .command('show')
    .description('Print what each age may spend, and where that is written.')
    .argument('<policy>', `${BUILT_IN_NAMES}, or a JSON file`)
    .option('--json', 'print the document')
    .action((nameOrFile: string, { json = false }: { json?: boolean }) => {
      const shown = loadPolicy(nameOrFile);
      print(json ? JSON.stringify(shown, null, 2) : policyTable(shown));
    });
}

const ALG = ['--alg <name>', 'ES256, EdDSA, RS256 or PS256', 'ES256'] as const;

function addKeys(program: Command): void {
  const keys = program.command('keys').description('Keep the keys of an age authority in a file.');
  keys
    .command('new')
    .description('Make a key file, readable by its owner only.')
    .argument('<file>', 'where it is to stand')
    .option(...ALG)
    .action(async (file: string, flags: KeyFlags) => print(await newKeyFile(file, flags)));
  keys
    .command('rotate')
    .description('Add a key that takes over in a while, published from now on.')
    .argument('<file>', 'a key file')
    .option(...ALG)
    .option('--ahead <seconds>', 'how long it is published before it signs', '3600')
    .action(async (file: string, flags: KeyFlags) =>
      print(await rotateKeys(file, flags, Date.now())),
    );
  keys
    .command('list')
    .description('Print the public side of a key file.')
    .argument('<file>', 'a key file')
    .option('--jwks', 'print the JWK Set')
    .action((file: string, { jwks = false }: { jwks?: boolean }) =>
      print(listKeys(file, { jwks }, Date.now())),
    );
}

function createProgram(): Command {
  const program = new Command('spendcap')
    .description('Hold every spending cap before a purchase reaches a payment processor.')
    // Inherited by the commands below, so that a wrong option ends here and not in commander.
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  addServe(program);
  addMigrate(program);
  addPolicy(program);
  addKeys(program);
  return program;
}

/** One line that says what is wrong with the call, or `null` where it is not the caller's doing. */
function usageFault(error: unknown): string | null {
  if (error instanceof CommanderError) return error.message.replace(/^error: /, '');
  if (error instanceof UsageError || error instanceof TypeError) return error.message;
  if (!SpendcapError.isInstance(error)) return null;
  const [first] = error.errors ?? [];
  if (error.code === 'policy_invalid' && first !== undefined) {
    return `policy_invalid: ${first.path}: ${first.message}`;
  }
  return error.code === 'policy_invalid' || error.code === 'store_unavailable'
    ? error.message
    : null;
}

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError && error.code === HELP_SHOWN) process.exit(EXIT_USAGE);
  if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
  const fault = usageFault(error);
  if (fault === null) throw error;
  process.stderr.write(`spendcap: ${fault.split('\n')[0]}\n`);
  process.exit(EXIT_USAGE);
}
