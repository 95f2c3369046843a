import { parseArgs } from 'node:util';
import { createSandbox, type Sandbox } from './sandbox.ts';
import { openShop } from './shop/server.ts';
import { runStory } from './story/play.ts';

const INVALID_CALL = 2;
const INTERRUPTED = 130;
const TOKEN_SECONDS = 3600;
const HELP = `Usage: sandbox [options]

Plays a scripted demo against a spendcap server, then opens a shop page. Nothing leaves this
machine.

  --port <n>     port of the spendcap server, 0 for any; the shop uses the next one (default 8787)
  --story-only   end after the demo
  --shop-only    open the shop without the demo
  --help         print this`;

// As of `| head`, or a full disk behind it. Exiting ends the server and removes the folder.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  process.exit(code === 'EPIPE' ? 0 : 1);
});

const values = read();
if (values.help) {
  console.log(HELP);
  process.exit();
}
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

function read() {
  try {
    const { values } = parseArgs({
      options: {
        'story-only': { type: 'boolean', default: false },
        'shop-only': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        port: { type: 'string', default: '8787' },
      },
    });
    if (/^\d{1,5}$/.test(values.port) && Number(values.port) < 65_535) return values;
    throw new TypeError('--port must be 0 to 65534');
  } catch (error) {
    console.error(`sandbox: ${(error as Error).message}`);
    process.exit(INVALID_CALL);
  }
}

async function serveShop(sandbox: Sandbox): Promise<void> {
  const url = await openShop(sandbox, port === 0 ? 0 : port + 1);
  const curl = await curlLine(sandbox);
  interrupted = 0;
  console.log(`
The shop is open:  ${url}
It is on a phone:  ${url}phone
spendcap listens:  ${sandbox.url}

To reserve for the 12-year-old, paste this into another terminal. It sets the variables used by the
commands of docs/http-api.md. The token is valid for an hour of the shop's clock.

${curl}

Ctrl-C stops both and deletes their ledger.`);
}

async function curlLine({ url, apiKey, tokenOf }: Sandbox): Promise<string> {
  const token = await tokenOf('player-12', TOKEN_SECONDS);
  return `URL=${url} API_KEY=${apiKey} AGE_TOKEN=${token}
curl "$URL/v1/purchases" -H "Authorization: Bearer $API_KEY" -H 'Content-Type: application/json' -d '{
  "id": "order-1", "amount": "48.00", "currency": "CNY", "category": "item",
  "ageToken": "'"$AGE_TOKEN"'" }'`;
}
