import { parseArgs } from 'node:util';
import { operatorPolicy } from './operator-policy.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';
import { openShop } from './shop/server.ts';
import { runStory } from './story/play.ts';

const INTERRUPTED = 130;
const TOKEN_SECONDS = 3600;

const { values } = parseArgs({
  options: {
    'story-only': { type: 'boolean', default: false },
    'shop-only': { type: 'boolean', default: false },
    /** Port of the spendcap server; the shop uses the next one. 0: any free ports. */
    port: { type: 'string', default: '8787' },
  },
});
const port = Number(values.port);

const sandbox = await createSandbox(port);
let interrupted = INTERRUPTED;
process.once('exit', () => sandbox.dispose());
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Exiting ends the server and removes the folder.
  process.once(signal, () => process.exit(interrupted));
}

const good = values['shop-only'] || (await runStory(sandbox));
if (!good) process.exitCode = 1;
else if (!values['story-only']) await serveShop(sandbox);

async function serveShop(sandbox: Sandbox): Promise<void> {
  const policy = operatorPolicy({ version: '2024-01-01.shop' });
  // A separate ledger: in that of the story every allowance is used up.
  await sandbox.serve({ store: 'shop', policy });
  const url = await openShop(sandbox, port === 0 ? 0 : port + 1);
  const curl = await curlLine(sandbox);
  interrupted = 0;
  console.log(`
The shop is open:  ${url}
spendcap listens:  ${sandbox.url}

To reserve for the 12-year-old, paste this into another terminal (the token is valid for an hour).
It sets the variables used by the commands of docs/http-api.md.

${curl}

Ctrl-C stops both and deletes their ledger.`);
}

async function curlLine({ url, apiKey, tokenOf }: Sandbox): Promise<string> {
  const token = await tokenOf('player-12', TOKEN_SECONDS);
  return `URL=${url} API_KEY=${apiKey} AGE_TOKEN=${token}
curl "$URL/v1/purchases" -H "Authorization: Bearer $API_KEY" -H 'Content-Type: application/json' -d '{
  "id": "order-1", "amount": "48.00", "currency": "CNY", "ageToken": "'"$AGE_TOKEN"'" }'`;
}
