import { misconfigured, unavailable } from '../../ledger/store-kit.ts';
import { toSpendcapError } from './errors.ts';
import { FROM_THE_FUTURE, MIGRATIONS, MIN_SERVER_VERSION } from './sql/schema.ts';

interface Checked {
  readonly version: number;
  readonly replica: boolean;
  readonly durability: string;
  readonly migrated: boolean;
}

const checkOf = (schema: string): string => `
  SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS replica,
    current_setting('synchronous_commit') AS durability,
    to_regclass('"${schema}".migrations') IS NOT NULL AS migrated`;

type Ask = (text: string) => Promise<{ readonly rows: readonly unknown[] }>;

/** Looks whether a server can keep the ledger, and whether the ledger is there. */
export function postgresCheck(ask: Ask, schema: string) {
  /** @throws SpendcapError if it is not a server to keep a ledger on, with what to do */
  const checkServer = async (): Promise<Checked> => {
    const { rows } = await ask(checkOf(schema));
    const [row] = rows as readonly Checked[];
    if (row === undefined) throw unavailable('The database gave no answer.');
    if (row.version < MIN_SERVER_VERSION) {
      const oldest = Math.floor(MIN_SERVER_VERSION / 10_000);
      throw misconfigured(`The server is too old: PostgreSQL ${oldest} or newer is needed.`);
    }
    if (row.replica) throw unavailable('The server is read-only. Connect to the primary.');
    if (row.durability === 'off') {
      throw misconfigured(
        'synchronous_commit is off, so a confirmed hold could be lost. Set it to on.',
      );
    }
    return row;
  };

  /** @throws SpendcapError that says what the operator has to do */
  const check = async (): Promise<void> => {
    const { migrated } = await checkServer();
    if (!migrated) throw toSpendcapError({ code: '42P01' });
    const { rows: found } = await ask(
      `SELECT coalesce(max(version), 0) AS reached FROM "${schema}".migrations`,
    );
    const { reached } = found[0] as { readonly reached: number };
    if (reached < MIGRATIONS.length) throw toSpendcapError({ code: '42P01' });
    if (reached > MIGRATIONS.length) throw toSpendcapError({ code: FROM_THE_FUTURE });
  };
  return { checkServer, check };
}
