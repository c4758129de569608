/** What the process of the warehouse asks of the engine's process. */
export type ChdbWork =
  | { readonly kind: 'write'; readonly sql: string }
  | {
      readonly kind: 'read';
      readonly sql: string;
      readonly params: Readonly<Record<string, string | number>>;
    }
  | { readonly kind: 'user'; readonly sql: string; readonly timeoutMs: number };

export type ChdbMessage =
  | { readonly kind: 'work'; readonly id: number; readonly work: ChdbWork }
  | { readonly kind: 'close' };

/** What the engine's process answers. */
export type ChdbAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly reason: string }
  /** `rows` is one JSON object a line. */
  | { readonly kind: 'done'; readonly id: number; readonly rows: string }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: ChdbFailure }
  /** Every answer is out and the engine is shut: the channel may close. */
  | { readonly kind: 'closed' };

export interface ChdbFailure {
  /** ClickHouse's own sentence. */
  readonly sentence: string;
  /** ClickHouse's error code, 0 when the engine gave none. */
  readonly clickhouseCode: number;
}

/** The engine's files, inside the working folder of its process. */
export const ENGINE_FOLDER = 'engine';
/** Rows on their way into the engine, inside the working folder of its process. */
export const INBOX_FOLDER = 'inbox';
/** How long a start waits for the engine of a process that just died to let the folder go. */
export const LOCK_WAIT_MS = 10_000;
/** ClickHouse's code for a query that reached its time limit. */
export const TIMEOUT_EXCEEDED = 159;
/** ClickHouse's code for an answer that is too large. */
export const TOO_MANY_ROWS_OR_BYTES = 396;
