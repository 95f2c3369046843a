import { parseArgs } from 'node:util';
import { operatorPolicy } from './operator-policy.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';
import { openShop } from './shop/server.ts';
import { runStory } from './story/play.ts';

const { values } = parseArgs({
  options: { 'story-only': { type: 'boolean' }, 'shop-only': { type: 'boolean' } },
});

const sandbox = await createSandbox();
process.once('exit', () => sandbox.dispose());
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Exiting takes the server along and removes the folder.
  process.once(signal, () => process.exit(0));
}

const good = values['shop-only'] === true || (await runStory(sandbox));
if (!good) process.exitCode = 1;
else if (values['story-only'] !== true) await serveShop(sandbox);

async function serveShop(sandbox: Sandbox): Promise<void> {
  const policy = operatorPolicy({ version: '2024-01-01.shop' });
  // A ledger of its own: in the story's everything is spent.
  await sandbox.serve({ store: 'shop', policy });
  const url = await openShop(sandbox);
  console.log(`\nThe shop is open: ${url}  (limits by ${sandbox.url}; Ctrl-C ends both)`);
}
