import { Option } from 'commander';
import { CONFIG_FILE } from './config.ts';

export const CONFIG = [
  '--config <file>',
  `options in a JSON file, default ${CONFIG_FILE}`,
] as const;
export const SCHEMA = ['--schema <name>', 'schema of a Postgres store', 'spendcap'] as const;

/** A location with a password belongs in the variable. */
export const storeOption = (stores: string): Option =>
  new Option('--store <location>', stores).env('SPENDCAP_STORE');

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
