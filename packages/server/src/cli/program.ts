import { ASSURANCES, SpendcapError } from '@spendcap/core';
import { Command, CommanderError, Option } from 'commander';
import { SIGNING_ALGORITHMS } from '../age/authority/keys.ts';
import { withConfig } from './config.ts';
import { withEnvFile } from './env-file.ts';
import { codeOf } from './json-file.ts';
import { aheadOf, type KeyFlags, listKeys, newKeyFile, rotateKeys } from './keys.ts';
import { LOG_LEVELS } from './log.ts';
import { BUILT_IN_NAMES, faultsOf, loadPolicy, policyTable } from './policy.ts';
import { migrate, type PostgresFlags } from './postgres.ts';
import { PROCESSOR_VARIABLES, PROCESSORS } from './processors.ts';
import { addProject } from './project.ts';
import { concurrencyOf, everyOf, type ReconcileFlags, runReconcile } from './reconcile.ts';
import { serve } from './serve.ts';
import {
  assertGiven,
  type Environment,
  portOf,
  type ServeFlags,
  STORES,
  shutdownTimeoutOf,
} from './settings.ts';
import { CONFIG, print, SCHEMA, storeOption } from './shared-options.ts';
import { inCommandNames, UsageError } from './usage-error.ts';

const EXIT_USAGE = 2;

function addServe(program: Command): void {
  const name = { policy: `${BUILT_IN_NAMES}, or a JSON file` };
  program
    .command('serve')
    .description('Serve the HTTP API until SIGTERM, then finish open requests.')
    .option(...CONFIG)
    .addOption(new Option('--port <n>', 'port, 0 for any free one (required)').argParser(portOf))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--policy <name>', `${name.policy} (required)`)
    .addOption(storeOption(`${STORES} (required)`))
    .option(...SCHEMA)
    .option('--age-issuer <issuer>', 'iss of age tokens (required without --age-issuers)')
    .option('--age-audience <audience>', 'aud of age tokens (required without --age-issuers)')
    .option(
      '--age-jwks <location>',
      'URL or file of their JWK Set (required without --age-issuers)',
    )
    .addOption(
      new Option('--age-assurance <level>', 'overrides the assurance of every token').choices(
        ASSURANCES,
      ),
    )
    .option('--age-status-lists <url>', 'URL of their status lists, to refuse revoked tokens')
    .addOption(
      new Option('--age-issuers <file>', 'several issuers, a list in a JSON file').conflicts([
        ...['ageIssuer', 'ageAudience', 'ageJwks', 'ageAssurance', 'ageStatusLists'],
      ]),
    )
    .option('--permit-issuer <issuer>', 'iss of permits', 'spendcap')
    .option('--permit-audience <audience>', 'aud of permits', 'payments')
    .option('--base-path <path>', 'prefix of every route, such as /spendcap')
    .option('--public-url <url>', 'URL that players call (required for key-bound age tokens)')
    .option('--cors-origin <origin...>', 'origins whose pages may read allowance and decisions')
    .addOption(
      new Option('--shutdown-timeout <seconds>', 'open requests are cut this long after SIGTERM')
        .argParser(shutdownTimeoutOf)
        .default(10),
    )
    .addOption(
      new Option('--log-level <level>', 'debug logs a line per request')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addHelpText(
      'after',
      '\nEnvironment:\n' +
        '  SPENDCAP_API_KEYS     comma-separated keys of 16 or more characters (required)\n' +
        '  SPENDCAP_PERMIT_KEY   private JWK that signs permits; generated at start if unset\n' +
        '  SPENDCAP_SUBJECT_KEY  secret of 16 or more bytes that makes pseudonyms of subjects',
    )
    .action((_, command: Command) => serve(withConfig<Partial<ServeFlags>>(command), process.env));
}

function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('Create or update the schema of a Postgres store.')
    .option(...CONFIG)
    .addOption(storeOption('postgres://... (required)'))
    .option(...SCHEMA)
    .action(async (_, command: Command) => {
      const flags = withConfig<PostgresFlags>(command);
      assertGiven('migrate', { store: flags.store });
      await migrate(flags);
      print('OK');
    });
}

function addReconcile(program: Command): void {
  program
    .command('reconcile')
    .description('Close and settle the overdue holds of a payment processor.')
    .option(...CONFIG)
    .option('--processor <name>', `${PROCESSORS} (required)`)
    .option('--policy <name>', `${BUILT_IN_NAMES}, or a JSON file (required)`)
    .addOption(storeOption('sqlite:FILE, postgres://... or redis://... (required)'))
    .option(...SCHEMA)
    .addOption(
      new Option('--every <time>', 'again and again, such as 5m, until SIGTERM').argParser(everyOf),
    )
    .addOption(
      new Option('--concurrency <n>', 'holds that are checked at the same time')
        .argParser(concurrencyOf)
        .default(8),
    )
    .option('--json', 'print a JSON object per run')
    .addHelpText('after', `\nEnvironment, by processor:\n${PROCESSOR_VARIABLES}`)
    .action(async (_, command: Command) => {
      const flags = withConfig<ReconcileFlags>(command);
      const { processor, policy, store } = flags;
      assertGiven('reconcile', { processor, policy, store });
      process.exit(await runReconcile(flags, process.env));
    });
}

function addPolicy(program: Command): void {
  const policy = program.command('policy').description('Check and show policies.');
  const argument = ['<policy>', `${BUILT_IN_NAMES}, or a JSON file`] as const;
  policy
    .command('check')
    .description('Print OK, or each fault with its path.')
    .argument(...argument)
    .action((nameOrFile: string) => {
      const faults = faultsOf(nameOrFile);
      print(faults.length === 0 ? 'OK' : faults.join('\n'));
      if (faults.length > 0) process.exitCode = 1;
    });
  policy
    .command('show')
    .description('Print what each age may spend, with citations.')
    .argument(...argument)
    .option('--json', 'print the policy document')
    .action((nameOrFile: string, { json = false }: { json?: boolean }) => {
      const shown = loadPolicy(nameOrFile);
      print(json ? JSON.stringify(shown, null, 2) : policyTable(shown));
    });
}

function addKeys(program: Command): void {
  const keys = program.command('keys').description('Manage the key file of an age authority.');
  const alg = () =>
    new Option('--alg <name>', 'signature algorithm').choices(SIGNING_ALGORITHMS).default('ES256');
  keys
    .command('new')
    .description('Create a key file that only its owner can read.')
    .argument('<file>', 'path of the new file')
    .addOption(alg())
    .action(async (file: string, flags: KeyFlags) => print(await newKeyFile(file, flags)));
  keys
    .command('rotate')
    .description('Add the next signing key, active after --ahead.')
    .argument('<file>', 'path of the key file')
    .addOption(alg())
    .addOption(
      new Option('--ahead <seconds>', 'time between publishing the key and signing with it')
        .argParser(aheadOf)
        .default(3600),
    )
    .action(async (file: string, flags: KeyFlags) =>
      print(await rotateKeys(file, flags, Date.now())),
    );
  keys
    .command('list')
    .description('Print the public part of each key.')
    .argument('<file>', 'path of the key file')
    .option('--jwks', 'print a JWK Set')
    .action((file: string, { jwks = false }: { jwks?: boolean }) =>
      print(listKeys(file, { jwks }, Date.now())),
    );
}

function createProgram(version: string, environment: Environment): Command {
  const program = new Command('spendcap')
    .description('Enforce spending caps before a purchase reaches a payment processor.')
    .version(version)
    // Inherited by the commands below, so that an invalid option ends here and not in commander.
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  addServe(program);
  addMigrate(program);
  addReconcile(program);
  addPolicy(program);
  addKeys(program);
  addProject(program, environment);
  return program;
}

/** One line about an invalid call, or `null` if the fault is not the caller's. */
function usageFault(error: unknown): string | null {
  if (error instanceof CommanderError) {
    // Its second line suggests a name: (Did you mean --port?)
    return error.message.replace(/^error: /, '').replace(/\n(?=\()/, ' ');
  }
  if (error instanceof TypeError) return inCommandNames(error.message);
  if (error instanceof UsageError) return error.message;
  if (error instanceof Error && 'syscall' in error) {
    const { syscall, path } = error as NodeJS.ErrnoException;
    return `cannot ${syscall}${path === undefined ? '' : ` '${path}'`} (${codeOf(error)})`;
  }
  if (!SpendcapError.isInstance(error)) return null;
  const { code, message, errors: [first, ...others] = [] } = error;
  if (code === 'policy_invalid' && first !== undefined) {
    const more = others.length === 0 ? '' : ` (and ${others.length} more: spendcap policy check)`;
    return `policy_invalid: ${first.path}: ${first.message}${more}`;
  }
  return /^(policy_invalid|store_unavailable|store_misconfigured)$/.test(code) ? message : null;
}

/** A full disk or a closed pipe fails a command that only prints, and must not end a server. */
function outliveOutputs(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error) => {
    // As of `spendcap policy show cn-game | head`.
    if (codeOf(error) === 'EPIPE') return;
    process.stderr.write(`spendcap: cannot write to stdout (${codeOf(error)})\n`);
    process.exitCode = 1;
  });
}

/**
 * Runs the command of `process.argv`, with the variables of the current folder's `.env`. An invalid
 * call is one line on stderr and exit code 2.
 */
export async function runProgram(version: string): Promise<void> {
  outliveOutputs();
  try {
    const given = { ...process.env };
    Object.assign(process.env, withEnvFile('.', given));
    await createProgram(version, given).parseAsync();
  } catch (error) {
    // Help and version have been printed; help in place of a missing command is an invalid call.
    if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
    if (error instanceof CommanderError && error.code === 'commander.help')
      process.exit(EXIT_USAGE);
    const fault = usageFault(error);
    if (fault === null) throw error;
    process.stderr.write(`spendcap: ${fault.split('\n')[0]}\n`);
    process.exit(EXIT_USAGE);
  }
}
