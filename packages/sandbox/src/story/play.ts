import { boundsOf } from '@spendcap/core';
import { operatorPolicy } from '../operator-policy.ts';
import type { Sandbox } from '../sandbox.ts';
import { playStory } from './script.ts';
import { isAsExpected, type Line, tableHead, tableRow } from './table.ts';

const POLICY = 'cn-game';
const STORE = 'story';
/** The story speaks of "today" and "this month", so it must not run across midnight. */
const STORY_MS = 60_000;

/** Plays the story against `spendcap serve` and prints it; true if every line is as expected. */
export async function runStory(sandbox: Sandbox): Promise<boolean> {
  await outlastMidnight();
  let server = await sandbox.serve({ store: STORE, policy: POLICY });
  const lines: Line[] = [];
  console.log(`spendcap on ${server.url}, policy ${POLICY}, SQLite\n\n${tableHead()}`);
  try {
    await playStory({
      ...sandbox,
      crash: async () => {
        await server.crash();
        server = await sandbox.serve({ store: STORE, policy: POLICY });
      },
      editPolicy: async () => {
        await server.stop();
        const policy = operatorPolicy({ version: '2024-01-01.operator-1', daily8to15: '200' });
        server = await sandbox.serve({ store: STORE, policy });
      },
      report: (line) => {
        lines.push(line);
        console.log(tableRow(line));
      },
    });
  } finally {
    await server.stop();
  }
  const good = lines.filter(isAsExpected).length;
  console.log(`\n${good} of ${lines.length} lines are as the policy requires.`);
  return good === lines.length;
}

async function outlastMidnight(): Promise<void> {
  const wait = boundsOf('day', Date.now(), 'Asia/Shanghai').end - Date.now();
  if (wait > STORY_MS) return;
  console.log(`Waiting ${Math.ceil(wait / 1000)} s for midnight in Shanghai.`);
  await new Promise((resolve) => setTimeout(resolve, wait + 100));
}
