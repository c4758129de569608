import type { Migration } from '../platform/journal/journal.ts';

/**
 * The indexer's own tables (`indexer.sqlite`). Keys begin with (stream, deployment): a stream is one
 * topic's source, a deployment one life of the contracts. Hashes are lower-case hex, digests decimal
 * strings of a UInt64.
 */
export interface IndexerDatabase {
  stream: StreamTable;
  step: StepTable;
  step_body: StepBodyTable;
  header: HeaderTable;
  cursor: CursorTable;
  lease: LeaseTable;
}

/** Where a stream stands. Changed only in the transaction that defines a step or raises the epoch. */
export interface StreamTable {
  stream: string;
  deployment: string;
  /** Rises when all is filled again; `step` and every `n` then restart at 1. */
  epoch: number;
  /** Number of the last defined step, 0 before the first. */
  step: number;
  /** Everything up to this block is in a step (or holds no logs); first block − 1 before the first. */
  tip_block: number;
  /** Null until a block was indexed. */
  tip_hash: string | null;
  /** Block of the last finality step. */
  final_block: number | null;
  final_hash: string | null;
  /** JSON: the n that the next message of each partition gets. */
  next_n: string;
  /** JSON: what the contracts' own counters say comes next (`continuity.ts`). */
  continuity: string;
  created_ms: number;
}

export type StepKind = 'apply' | 'retract' | 'finality';

/** One durable unit of work. Once defined it never changes; only this says what step S is. */
export interface StepTable {
  stream: string;
  deployment: string;
  epoch: number;
  step: number;
  kind: StepKind;
  /** Of an apply step its blocks; of a retraction (common ancestor + 1, old tip); of finality the block twice. */
  from_block: number;
  to_block: number;
  to_hash: string;
  rows: number;
  /** JSON: per warehouse table the count and digest of its rows (`digest.ts`). */
  digest: string;
  /** JSON: per partition the n of this step's first message. */
  first_n: string;
  /** Fence of the lease under which it was defined. */
  fence: number;
  defined_ms: number;
}

/** The events of a step, in order, some hundreds per row. Pruned once final and delivered. */
export interface StepBodyTable {
  stream: string;
  deployment: string;
  epoch: number;
  step: number;
  chunk: number;
  /** JSON: `IndexedEvent[]`. */
  events: string;
}

/** Headers of the blocks that are not final, and the last final one as the checkpoint. */
export interface HeaderTable {
  stream: string;
  deployment: string;
  number: number;
  hash: string;
  parent: string;
}

export type SinkName = 'warehouse' | 'bus';

/** The last step that a sink has as a whole. */
export interface CursorTable {
  stream: string;
  deployment: string;
  sink: SinkName;
  epoch: number;
  step: number;
}

/** One writer per stream. */
export interface LeaseTable {
  lease: string;
  holder: string;
  /** Rises with every new holder; every write under the lease checks it. */
  fence: number;
  expires_ms: number;
}

export const indexerMigrations: readonly Migration[] = [
  {
    name: '0001_steps',
    sql: [
      `CREATE TABLE stream (
        stream TEXT NOT NULL, deployment TEXT NOT NULL, epoch INTEGER NOT NULL, step INTEGER NOT NULL,
        tip_block INTEGER NOT NULL, tip_hash TEXT, final_block INTEGER, final_hash TEXT,
        next_n TEXT NOT NULL, continuity TEXT NOT NULL, created_ms INTEGER NOT NULL,
        PRIMARY KEY (stream, deployment)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE step (
        stream TEXT NOT NULL, deployment TEXT NOT NULL, epoch INTEGER NOT NULL, step INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('apply', 'retract', 'finality')),
        from_block INTEGER NOT NULL, to_block INTEGER NOT NULL, to_hash TEXT NOT NULL,
        rows INTEGER NOT NULL, digest TEXT NOT NULL, first_n TEXT NOT NULL, fence INTEGER NOT NULL,
        defined_ms INTEGER NOT NULL,
        PRIMARY KEY (stream, deployment, epoch, step)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE step_body (
        stream TEXT NOT NULL, deployment TEXT NOT NULL, epoch INTEGER NOT NULL, step INTEGER NOT NULL,
        chunk INTEGER NOT NULL, events TEXT NOT NULL,
        PRIMARY KEY (stream, deployment, epoch, step, chunk)
      ) STRICT`,
      `CREATE TABLE header (
        stream TEXT NOT NULL, deployment TEXT NOT NULL, number INTEGER NOT NULL, hash TEXT NOT NULL,
        parent TEXT NOT NULL, PRIMARY KEY (stream, deployment, number)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE cursor (
        stream TEXT NOT NULL, deployment TEXT NOT NULL, sink TEXT NOT NULL, epoch INTEGER NOT NULL,
        step INTEGER NOT NULL, PRIMARY KEY (stream, deployment, sink)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE lease (
        lease TEXT PRIMARY KEY, holder TEXT NOT NULL, fence INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID`,
    ],
  },
];
