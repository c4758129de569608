import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

/** Inserts of every length are statements of their own; the longest unused one makes room. */
const MAX_CACHED_STATEMENTS = 256;

interface CachedStatement {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

/**
 * Kysely's dialect for an open `node:sqlite` connection. `begin` is the statement that starts a
 * transaction. Closing the connection stays with the caller. Results are not streamed.
 */
export function createNodeSqliteDialect(args: {
  database: DatabaseSync;
  begin: 'BEGIN' | 'BEGIN IMMEDIATE';
}): Dialect {
  const { database, begin } = args;
  const connection = createConnection(database);
  const driver: Driver = {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: async () => database.exec(begin),
    commitTransaction: async () => database.exec('COMMIT'),
    rollbackTransaction: async () => {
      // SQLite ends a transaction by itself after some failures (a full disk).
      if (database.isTransaction) database.exec('ROLLBACK');
    },
    releaseConnection: async () => {},
    destroy: async () => {},
  };
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver,
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function createConnection(database: DatabaseSync): DatabaseConnection {
  // A Map keeps the order of insertion, so its first key is the longest unused.
  const cache = new Map<string, CachedStatement>();

  function prepare(sql: string): CachedStatement {
    const cached = cache.get(sql);
    if (cached) {
      cache.delete(sql);
      cache.set(sql, cached);
      return cached;
    }
    const statement = database.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    cache.set(sql, prepared);
    if (cache.size > MAX_CACHED_STATEMENTS) {
      for (const oldest of cache.keys()) {
        cache.delete(oldest);
        break;
      }
    }
    return prepared;
  }

  return {
    async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
      const { statement, returnsRows } = prepare(query.sql);
      const parameters = query.parameters as readonly SQLInputValue[];
      if (returnsRows) return { rows: statement.all(...parameters) as Row[] };
      const { changes, lastInsertRowid } = statement.run(...parameters);
      return {
        rows: [],
        numAffectedRows: BigInt(changes),
        insertId: BigInt(lastInsertRowid),
      };
    },
    streamQuery() {
      throw new Error('got a streamed query, expected one whose rows are read at once');
    },
  };
}
