import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ALL_PROCESSORS } from '../support/processors.ts';
import { type InSuite, runnable, storesOf } from '../support/stores.ts';
import { historyOf } from './generate.ts';
import { type History, readHistory } from './history.ts';
import { tryOut } from './report.ts';
import { openerOf } from './stores.ts';

const STORES = storesOf('simulation');
const STORE_NAMES = STORES.map(({ name }) => name).join();

const PROCESSOR_NAMES = ALL_PROCESSORS.map(({ name }) => name).join();

const USAGE = `npm run simulate -- [--seed N] [--steps N] [--store ${STORE_NAMES}]
  [--processor ${PROCESSOR_NAMES}]
  [--seconds N: one seed after the other] [--history FILE: plays what a failure has printed]`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '200' },
    store: { type: 'string', default: STORE_NAMES },
    processor: { type: 'string', default: PROCESSOR_NAMES },
    seconds: { type: 'string', default: '0' },
    history: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`--${name} must be a whole number\n${USAGE}`);
}

/** The members of a list that an option names. */
function named<T extends { readonly name: string }>(
  option: 'store' | 'processor',
  list: readonly T[],
): readonly T[] {
  return values[option].split(',').map((wanted) => {
    const known = list.find(({ name }) => name === wanted);
    if (known === undefined) throw new TypeError(`--${option}: there is no ${wanted}\n${USAGE}`);
    return known;
  });
}

type Stores = readonly InSuite<'simulation'>[];

/** Plays a history on every store: each must keep the invariants, and all must end alike. */
async function playOn(stores: Stores, history: History): Promise<boolean> {
  let digest: string | undefined;
  for (const entry of stores) {
    const { name: store } = entry;
    const open = openerOf(entry);
    const started = performance.now();
    const report = await tryOut(history, { store, open, digest });
    if (report.failure !== null) {
      console.log(report.failure);
      return false;
    }
    digest = report.digest;
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    const what = `${history.processor} seed ${history.seed}, ${history.steps.length} steps`;
    console.log(`${store.padEnd(8)} ${what}: digest ${digest} (${seconds} s)`);
  }
  return true;
}

async function main(): Promise<boolean> {
  if (values.help) {
    console.log(USAGE);
    return true;
  }
  const stores = await runnable(named('store', STORES));
  if (values.history !== undefined) {
    return playOn(stores, readHistory(readFileSync(values.history, 'utf8')));
  }
  const steps = whole('steps', values.steps);
  const end = performance.now() + whole('seconds', values.seconds) * 1_000;
  let seed = values.seed === undefined ? randomInt(2 ** 32) : whole('seed', values.seed);
  const processors = named('processor', ALL_PROCESSORS);
  do {
    for (const processor of processors) {
      if (!(await playOn(stores, historyOf(seed, { steps, processor })))) return false;
    }
    seed += 1;
  } while (performance.now() < end);
  return true;
}

// Connections of processes that have died in a history may still be open.
process.exit((await main()) ? 0 : 1);
