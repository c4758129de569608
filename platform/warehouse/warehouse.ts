/** The ClickHouse types in use. Money is Int256, further big integers UInt256; both travel as decimal strings. */
export type ColumnType =
  | 'String'
  | 'Bool'
  | 'Int8'
  | 'UInt8'
  | 'UInt16'
  | 'UInt32'
  | 'UInt64'
  | 'Int256'
  | 'UInt256'
  | 'DateTime'
  | 'Array(String)'
  | 'Array(UInt256)';

export interface TableDefinition {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** Columns of ORDER BY. */
  readonly orderBy: readonly string[];
}

/** Integers as decimal strings or safe numbers; DateTime as seconds since the Unix epoch. */
export type WarehouseValue = string | number | boolean | readonly string[];
export type WarehouseRow = Readonly<Record<string, WarehouseValue>>;

/** ClickHouse SQL. */
export interface Warehouse {
  /**
   * Creates the MergeTree table if it is missing, with the durability and deduplication settings of
   * the design (`non_replicated_deduplication_window`, fsync after insert).
   * @throws CroupierError `WAREHOUSE_TABLE_DIFFERS` (fatal) when it exists with other columns
   */
  ensureTable(definition: TableDefinition): Promise<void>;
  /**
   * Inserts all rows as one block, or none. A repetition with the same token and rows has no
   * further effect. Row contents never reach SQL text, whatever bytes they hold.
   */
  insert(args: {
    table: TableDefinition;
    rows: readonly WarehouseRow[];
    deduplicationToken: string;
  }): Promise<void>;
  /** Runs a statement of our own (DDL); never with foreign text in it. */
  command(sql: string): Promise<void>;
  /** Rows of a query of our own, with `{name:Type}` parameters. 64-bit and larger integers come as strings. */
  query<Row>(sql: string, params?: Readonly<Record<string, string | number>>): Promise<Row[]>;
  /**
   * A user's query on a second, read-only connection.
   * @throws CroupierError `WAREHOUSE_QUERY_FAILED` (final) with ClickHouse's own sentence,
   * `WAREHOUSE_QUERY_TIMEOUT` (final)
   */
  userQuery(sql: string, args: { timeoutMs: number }): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}
