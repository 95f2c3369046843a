import { parseArgs } from 'node:util';
import { operatorPolicy } from './operator-policy.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';
import { openShop } from './shop/server.ts';
import { runStory } from './story/play.ts';

const INTERRUPTED = 130;

const { values } = parseArgs({
  options: {
    'story-only': { type: 'boolean', default: false },
    'shop-only': { type: 'boolean', default: false },
    /** Of the spendcap server; the shop takes the next one. 0: any free ones. */
    port: { type: 'string', default: '8787' },
  },
});
const port = Number(values.port);

const sandbox = await createSandbox(port);
let interrupted = INTERRUPTED;
process.once('exit', () => sandbox.dispose());
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Exiting takes the server along and removes the folder.
  process.once(signal, () => process.exit(interrupted));
}

const good = values['shop-only'] || (await runStory(sandbox));
if (!good) process.exitCode = 1;
else if (!values['story-only']) await serveShop(sandbox);

async function serveShop(sandbox: Sandbox): Promise<void> {
  const policy = operatorPolicy({ version: '2024-01-01.shop' });
  // A ledger of its own: in the story's everything is spent.
  await sandbox.serve({ store: 'shop', policy });
  const url = await openShop(sandbox, port === 0 ? 0 : port + 1);
  interrupted = 0;
  console.log(`\nThe shop is open: ${url}  (limits by ${sandbox.url}; Ctrl-C ends both)`);
}
