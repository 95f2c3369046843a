import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ARGUMENTS } from './browser.ts';

/** A tab of a browser whose tabs are in front, behind or in the page cache, as a player's are. */
export interface Tab {
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** What a player does by a click on the tab. */
  bringToFront(): Promise<void>;
  goTo(url: string): Promise<void>;
}

/**
 * Starts a browser without Playwright, which makes every tab believe that it is in front, and
 * switches the page cache off.
 */
export async function openTabs(executablePath: string) {
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-tabs-'));
  const flags = ['--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'];
  const child = spawn(executablePath, [...ARGUMENTS, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const send = await connect(await addressOf(createInterface(child.stderr)));
  return {
    /** @param script runs in each document before any other */
    async open(url: string, script: string): Promise<Tab> {
      const target = await send('Target.createTarget', { url: 'about:blank' });
      const { targetId } = target;
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const call = (method: string, params = {}) => send(method, params, String(sessionId));
      await call('Page.enable');
      await call('Page.addScriptToEvaluateOnNewDocument', { source: script });
      const tab: Tab = {
        async evaluate(expression) {
          const options = { expression, awaitPromise: true, returnByValue: true };
          const { result } = await call('Runtime.evaluate', options);
          return (result as { readonly value?: unknown }).value;
        },
        async bringToFront() {
          await send('Target.activateTarget', { targetId });
          await call('Page.bringToFront');
        },
        async goTo(to) {
          await call('Page.navigate', { url: to });
        },
      };
      await tab.goTo(url);
      return tab;
    },
    async close() {
      child.kill();
      await exited;
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Values = Readonly<Record<string, unknown>>;
type Send = (method: string, params: object, sessionId?: string) => Promise<Values>;

async function addressOf(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const [address] = /ws:\/\/\S+/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error('the browser did not open');
}

/** The Chrome DevTools Protocol. */
async function connect(address: string): Promise<Send> {
  const socket = new WebSocket(address);
  await once(socket, 'open');
  const waiting = new Map<number, (answer: { result?: Values; error?: unknown }) => void>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data));
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  return (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, ({ result, error }) => {
        if (result) resolve(result);
        else reject(new Error(`${method}: ${JSON.stringify(error)}`));
      });
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    });
}
