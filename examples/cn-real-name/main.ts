// From a name and an ID number to a cap at checkout. The fake real-name system is a local server;
// for the real one omit `endpoints` and use your own credentials.
import { fakeNppa } from '@spendcap/sandbox';
import { ageTokens, cnGame, createLimiter, SpendcapError } from '@spendcap/server';
import { ageAuthority, generateAuthorityKey } from '@spendcap/server/age/authority';
import { type NppaEvidence, nppaSource } from '@spendcap/server/age/sources/nppa';
import { sqliteNppaStore } from '@spendcap/server/age/sources/nppa/sqlite';
import { memoryStore } from '@spendcap/server/stores/memory';

let time = Date.parse('2026-11-23T12:00:00+08:00');
const now = () => time;

const child = { name: '小明', idNumber: '110000201403010019' };
const teenager = { name: '小红', idNumber: '110000200907010027' };
const fake = fakeNppa({ now, people: [child, { ...teenager, pendingMs: 3_600_000 }] });
const realName = await fake.listen();

// The age authority: the only component that processes names and ID numbers. It stores neither.
const store = sqliteNppaStore({ path: ':memory:' }); // In production: a file.
const authority = ageAuthority({
  issuer: 'https://age.example',
  keys: [await generateAuthorityKey()], // In production: stored keys, see `spendcap keys new`.
  subjectKey: 'a secret of sixteen bytes or more',
  timeZone: 'Asia/Shanghai',
  sources: {
    nppa: nppaSource({
      ...fake.credentials,
      endpoints: realName.endpoints,
      personKey: 'another secret, one for all games of the enterprise',
      store,
      now,
    }),
  },
  now,
});

// The checkout: it only processes age tokens.
const audience = 'https://game.example';
const issuers = [{ issuer: 'https://age.example', audience, jwks: authority.jwks() }];
const limiter = createLimiter({
  policy: cnGame(),
  store: memoryStore(),
  ageTokens: ageTokens({ issuers, now }),
  now,
});

/** The account's age token; prints the reason if there is none. */
async function tokenFor(evidence: NppaEvidence): Promise<string | null> {
  try {
    const subject = evidence.account;
    const token = await authority.issue({ nppa: evidence }, { subject, audience });
    if ('name' in evidence) console.log(`${subject} registers: verified`);
    return token;
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    console.log(`${evidence.account} has no token: ${error.why ?? error.code}`);
    return null;
  }
}

let orders = 0;

async function buy(account: string, amount: string): Promise<void> {
  const ageToken = await tokenFor({ account });
  const token = ageToken === null ? {} : { ageToken };
  const id = `order-${++orders}`;
  const decision = await limiter.reserve({ id, amount, currency: 'CNY', ...token });
  const result = decision.allowed ? 'allowed' : decision.reasons.map(({ code }) => code).join(', ');
  console.log(`${account} buys for ${amount}: ${result}`);
  // Here the card is charged.
  if (decision.allowed) await limiter.commit(id);
}

await tokenFor({ account: 'account-1', ...child });
await buy('account-1', '60.00');
await buy('account-1', '48.00');
await tokenFor({ account: 'account-2', ...child });
await buy('account-2', '48.00');
await buy('account-2', '10.00');
await tokenFor({ account: 'account-3', name: '小明', idNumber: '110000199001010012' });
await buy('account-3', '1.00');
await tokenFor({ account: 'account-4', ...teenager });
await buy('account-4', '1.00');
time += 3_600_000; // An hour later the check has completed.
await buy('account-4', '90.00');

await limiter.close();
await store.close();
await realName.close();
