import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SpendcapError } from '@spendcap/core';
import type { Command } from 'commander';
import { z } from 'zod';
import { validate } from '../http/body.ts';
import { ageIssuersIn } from './age-issuers.ts';
import { readJsonFile } from './json-file.ts';
import { LOG_LEVELS } from './log.ts';
import { isBuiltIn } from './policy.ts';
import { UsageError } from './usage-error.ts';

/** Read from the current folder if it is there and no option names another. */
export const CONFIG_FILE = 'spendcap.json';

const text = z.string().min(1);

/** The options of `serve` in camel case; `ageIssuers` is the list itself. */
const configSchema = z
  .strictObject({
    port: z.int().min(0).max(65_535),
    host: text,
    policy: text,
    store: text,
    schema: text,
    ageIssuers: z.array(z.unknown()).min(1),
    permitIssuer: text,
    permitAudience: text,
    basePath: text,
    publicUrl: text,
    corsOrigin: z.array(text),
    shutdownTimeout: z.int().min(1).max(3_600),
    logLevel: z.enum(LOG_LEVELS),
  })
  .partial();

type Config = Readonly<z.output<typeof configSchema>>;

const ISSUER_OPTIONS = ['ageIssuer', 'ageJwks', 'ageAudience'];

/** A password, which belongs in the environment: the file is meant to be committed. */
const PASSWORD = /^\w+:\/\/([^/@]*:[^/@]+@|.*[?&]password=)/;

/**
 * The options of a command, completed from the configuration file. An option or a variable that is
 * given goes before the file, and the file before a default.
 *
 * @param folder that may contain `spendcap.json`
 * @throws UsageError if the file cannot be read, or has an unknown or invalid field
 */
export function withConfig<Flags>(command: Command, folder = '.'): Flags {
  const { config: named } = command.opts<{ config?: string }>();
  const file = named ?? join(folder, CONFIG_FILE);
  if (named === undefined && !existsSync(file)) return command.opts() as Flags;
  const isGiven = (option: string) =>
    ['cli', 'env'].includes(command.getOptionValueSource(option) ?? '');
  const config = readConfig(file);
  const known = new Set(command.options.map((option) => option.attributeName()));
  // An issuer of the options replaces those of the file.
  const isReplaced = known.has('ageJwks') && ISSUER_OPTIONS.some(isGiven);
  if (known.has('ageIssuer') && !isReplaced) known.add('ageIssuers');
  else known.delete('ageIssuers');
  const used = Object.entries(config).filter(([name]) => known.has(name) && !isGiven(name));
  return { ...command.opts(), ...Object.fromEntries(used) } as Flags;
}

/** A file's fields, with paths relative to its folder. */
function readConfig(file: string): object {
  const config = parsed(file);
  const folder = dirname(resolve(file));
  const { policy, store, ageIssuers } = config;
  if (store !== undefined && PASSWORD.test(store)) {
    throw new UsageError(`'${file}': store: no password here, set SPENDCAP_STORE instead`);
  }
  const sqlite = /^sqlite:(.+)$/.exec(store ?? '')?.[1];
  return {
    ...config,
    ...(policy === undefined || isBuiltIn(policy) ? {} : { policy: resolve(folder, policy) }),
    ...(sqlite === undefined ? {} : { store: `sqlite:${resolve(folder, sqlite)}` }),
    ...(ageIssuers === undefined
      ? {}
      : { ageIssuers: ageIssuersIn(ageIssuers, { name: `'${file}': ageIssuers`, folder }) }),
  };
}

function parsed(file: string): Config {
  const content = readJsonFile(file, 'a JSON file with options of serve');
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new UsageError(`'${file}' must be an object with options of serve`);
  }
  try {
    return validate(content, configSchema);
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    const faults = (error.errors ?? []).map(
      ({ path, message }) => `${path}: ${message.replace(/\.$/, '')}`,
    );
    throw new UsageError(`'${file}': ${faults.join('; ')}.`);
  }
}
