import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { readText } from './json-file.ts';
import type { Environment } from './settings.ts';

/**
 * The environment, completed from the `.env` of a folder: a variable that is set goes before it.
 *
 * @throws UsageError if the file cannot be read
 */
export function withEnvFile(folder: string, environment: Environment): Environment {
  const file = join(folder, '.env');
  return existsSync(file) ? { ...parseEnv(readText(file)), ...environment } : environment;
}
