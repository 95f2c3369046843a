import { misconfigured, unavailable } from '../../ledger/store-kit.ts';
import { INSUFFICIENT_PRIVILEGE, toSpendcapError } from './errors.ts';
import { MIGRATIONS, MIN_SERVER_VERSION } from './sql/migrate.ts';
import { FROM_THE_FUTURE } from './sql/states.ts';

interface Server {
  readonly version: number;
  readonly replica: boolean;
  readonly read_only: boolean;
  readonly durability: string;
  readonly migrated: boolean;
}

const serverOf = (schema: string): string => `
  SELECT current_setting('server_version_num')::int AS version,
    pg_is_in_recovery() AS replica,
    current_setting('transaction_read_only')::boolean AS read_only,
    current_setting('synchronous_commit') AS durability,
    to_regclass('"${schema}".migrations') IS NOT NULL AS migrated`;

/** What a role that only serves must be granted. */
const PRIVILEGES = {
  purchases: ['SELECT', 'INSERT', 'UPDATE'],
  refunds: ['SELECT', 'INSERT', 'UPDATE'],
  accounts: ['SELECT', 'INSERT', 'UPDATE'],
  unsettled: ['SELECT', 'INSERT', 'DELETE'],
  entries: ['SELECT', 'INSERT'],
} as const;

const schemaStateOf = (schema: string): string => {
  const granted = Object.entries(PRIVILEGES).flatMap(([table, privileges]) =>
    privileges.map((privilege) => `has_table_privilege('"${schema}".${table}', '${privilege}')`),
  );
  return `
    SELECT coalesce(max(version), 0) AS reached, ${granted.join(' AND ')} AS granted
    FROM "${schema}".migrations`;
};

/** Sends a statement that changes nothing. `abandoned` resolves when nobody waits for its reply. */
type Query = (text: string, abandoned: Promise<unknown>) => Promise<readonly unknown[]>;

/** Checks that a server can keep the ledger, and that its schema is the one of this version. */
export function serverCheck(query: Query, schema: string) {
  let passed = false;

  const checkServer = async (abandoned: Promise<unknown>): Promise<Server> => {
    const [row] = await query(serverOf(schema), abandoned);
    const server = row as Server;
    if (server.version < MIN_SERVER_VERSION) {
      const oldest = Math.floor(MIN_SERVER_VERSION / 10_000);
      throw misconfigured(`The server is too old: PostgreSQL ${oldest} or newer is needed.`);
    }
    // During a failover, until this one is promoted or the address points to the new primary.
    if (server.replica) throw unavailable('The server is a standby. Connect to the primary.');
    if (server.read_only) {
      throw misconfigured('The server is read-only. Reset default_transaction_read_only.');
    }
    if (server.durability === 'off') {
      throw misconfigured(
        'synchronous_commit is off, so a confirmed hold could be lost. Set it to on.',
      );
    }
    return server;
  };

  const check = async (abandoned: Promise<unknown>): Promise<void> => {
    const { migrated } = await checkServer(abandoned);
    if (!migrated) throw toSpendcapError({ code: '42P01' });
    const [row] = await query(schemaStateOf(schema), abandoned);
    const { reached, granted } = row as { readonly reached: number; readonly granted: boolean };
    if (reached < MIGRATIONS.length) throw toSpendcapError({ code: '42P01' });
    if (reached > MIGRATIONS.length) throw toSpendcapError({ code: FROM_THE_FUTURE });
    if (granted === false) throw toSpendcapError({ code: INSUFFICIENT_PRIVILEGE });
    passed = true;
  };

  return {
    /** @throws SpendcapError if the server cannot keep a ledger; its message says what to do */
    checkServer,
    /** The same, and for a schema that is missing, incomplete or newer. */
    check,
    /** `check`, unless it has passed before. */
    ensure: async (abandoned: Promise<unknown>): Promise<void> => {
      if (!passed) await check(abandoned);
    },
    /** The server is no longer what it was: the next call checks it again. */
    reset: (): void => {
      passed = false;
    },
  };
}
