import type { Kysely, Transaction } from 'kysely';

/**
 * SQL transactions over the truth about what came from outside. `DB` is the schema of the service
 * that owns the database; the journal knows none of it.
 */
export interface Journal<DB> {
  /** Reads outside of write transactions; sees committed data only. */
  readonly read: Kysely<DB>;
  /**
   * Runs `work` in one serializable write transaction and commits durably before it resolves; rolls
   * back when `work` throws. Inside, nothing but SQL on `tx` may be awaited.
   */
  transaction<T>(work: (tx: Transaction<DB>) => Promise<T>): Promise<T>;
  /** Adds the row lock of the dialect (`FOR UPDATE`) to a SELECT; SQLite needs none in a write transaction. */
  lockRows<Query extends { forUpdate(): Query }>(query: Query): Query;
  close(): Promise<void>;
}

/** One forward-only step of a schema, applied exactly once, in the order of the list. */
export interface Migration {
  /** Unique and sortable, such as `0001_accounts`. */
  readonly name: string;
  /** Statements, one each. */
  readonly sql: readonly string[];
}
