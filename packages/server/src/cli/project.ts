import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { withConfig } from './config.ts';
import { examine } from './doctor.ts';
import { withEnvFile } from './env-file.ts';
import { initProject } from './init.ts';
import { BUILT_IN_NAMES } from './policy.ts';
import { type Environment, type ServeFlags, STORES } from './settings.ts';
import { CONFIG, print, SCHEMA } from './shared-options.ts';
import { ageOf, DEV_KEYS_FILE, expiresOf, mintToken, type TokenFlags } from './token.ts';
import { UsageError } from './usage-error.ts';

/**
 * The commands of a developer who integrates spendcap.
 *
 * @param environment without the `.env` of the current folder
 */
export function addProject(program: Command, environment: Environment): void {
  program
    .command('init')
    .description('Write a configuration, a test issuer and the routes for your framework.')
    .argument('[folder]', 'of the project', '.')
    .action(async (folder: string) => print((await initProject(folder)).join('\n')));
  addDoctor(program, environment);
  addToken(program);
}

function addDoctor(program: Command, given: Environment): void {
  program
    .command('doctor')
    .description(
      'Check the configuration, its surroundings and your sources. Exit code 1 on a fault.',
    )
    .argument('[folder]', 'of the project', '.')
    .option(...CONFIG)
    .option('--policy <name>', `${BUILT_IN_NAMES}, or a JSON file`)
    .option('--store <location>', `${STORES} (env: SPENDCAP_STORE)`)
    .option(...SCHEMA)
    .option('--age-issuer <issuer>', 'iss of age tokens')
    .option('--age-audience <audience>', 'aud of age tokens')
    .option('--age-jwks <location>', 'URL or file of their JWK Set')
    .option('--age-issuers <file>', 'several issuers, a list in a JSON file')
    .option('--json', 'print a JSON object per finding')
    .action(async (folder: string, { json }: { json?: boolean }, command: Command) => {
      if (!existsSync(folder)) throw new UsageError(`there is no folder '${folder}'`);
      const environment = withEnvFile(folder, given);
      const { SPENDCAP_STORE: variable } = environment;
      const isOption = command.getOptionValueSource('store') === 'cli';
      const flags = {
        ...withConfig<Partial<ServeFlags>>(command, folder),
        ...(variable === undefined || isOption ? {} : { store: variable }),
      };
      const findings = await examine(flags, { folder, environment });
      for (const { level, check, message } of findings) {
        print(
          json === true
            ? JSON.stringify({ level, check, message })
            : `${level.padEnd(4)}  ${check.padEnd(11)}  ${message}`,
        );
      }
      if (findings.some(({ level }) => level === 'fail')) process.exitCode = 1;
    });
}

function addToken(program: Command): void {
  program
    .command('token')
    .description('Print an age token for tests, signed with a key file that you hold.')
    .option(...CONFIG)
    .addOption(new Option('--age <years>', 'age of the player').argParser(ageOf).default(12))
    .option('--subject <id>', 'the player', 'player-1')
    .addOption(
      new Option('--expires <seconds>', 'lifetime of the token').argParser(expiresOf).default(3600),
    )
    .option('--keys <file>', 'made by `spendcap init` or `spendcap keys new`', DEV_KEYS_FILE)
    .option('--age-issuer <issuer>', "default: the configuration's first issuer")
    .option('--age-audience <audience>', 'default: its audience')
    .action(async (_, command: Command) => {
      print(await mintToken(withConfig<TokenFlags>(command), Date.now()));
    });
}
