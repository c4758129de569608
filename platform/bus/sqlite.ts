import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { CroupierError } from '../errors.ts';
import { inTransaction, openSqliteFile } from '../sqlite.ts';
import type { Bus, BusMessage, BusRecord } from './bus.ts';

/** How soon a waiting read notices what another process published. */
const POLL_MS = 200;

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS topic (
    topic TEXT PRIMARY KEY,
    partitions INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS message (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    headers TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    PRIMARY KEY (topic, partition, offset)
  ) STRICT, WITHOUT ROWID`,
];

/**
 * Opens the bus in the SQLite file `path` (made if missing); every topic lives in it and nothing is
 * ever removed. A publication is one transaction: all of its records survive a crash or none. A
 * waiting `read` wakes at once when this process publishes, and within 200 ms when another one does;
 * it answers an empty list when its signal aborts or the bus closes.
 *
 * @throws CroupierError from its methods: `BUS_TOPIC_UNKNOWN` (fatal) for a topic or partition that
 * `ensureTopic` did not make, `BUS_CLOSED` (retryable) after `close`.
 */
export async function openSqliteBus(args: { path: string; clock: Clock }): Promise<Bus> {
  const { clock } = args;
  const database = openSqliteFile(args.path, { readOnly: false });
  inTransaction(database, () => {
    for (const statement of SCHEMA) database.exec(statement);
  });
  const log = createLog(database);
  const waiting = new Map<string, Set<AbortController>>();
  const topics = new Map<string, number>();
  let closed = false;

  function assertOpen(): void {
    if (!closed) return;
    throw new CroupierError({
      code: 'BUS_CLOSED',
      errorClass: 'retryable',
      message: 'got a call on a closed bus, expected an open one',
    });
  }

  function assertKnown(topic: string, partition: number): void {
    const partitions = topics.get(topic) ?? log.partitions(topic);
    if (partitions !== undefined) topics.set(topic, partitions);
    if (partitions !== undefined && partition >= 0 && partition < partitions) return;
    throw new CroupierError({
      code: 'BUS_TOPIC_UNKNOWN',
      errorClass: 'fatal',
      message:
        partitions === undefined
          ? `got topic ${topic}, expected one that was made before`
          : `got partition ${partition} of topic ${topic}, expected 0 to ${partitions - 1}`,
      details: { topic, partition },
    });
  }

  async function ensureTopic(topic: string, partitions: number): Promise<void> {
    assertOpen();
    const existing = inTransaction(database, () => log.ensureTopic(topic, partitions));
    if (existing === partitions) return;
    throw new CroupierError({
      code: 'BUS_PARTITIONS_DIFFER',
      errorClass: 'fatal',
      message: `got topic ${topic} with ${existing} partitions, expected ${partitions}`,
      details: { topic, partitions: existing },
    });
  }

  async function publish(records: readonly BusRecord[]): Promise<void> {
    assertOpen();
    for (const record of records) assertKnown(record.topic, record.partition);
    inTransaction(database, () => log.append(records, clock.nowMs()));
    for (const record of records) wake(partitionKey(record.topic, record.partition));
    // SQLite answers without leaving the thread: without this, a loop of publications would keep
    // sockets and timers from ever being served. The same holds in `read`.
    await nextTurn();
  }

  function wake(partition: string): void {
    for (const waiter of waiting.get(partition) ?? []) waiter.abort();
  }

  async function read(options: Parameters<Bus['read']>[0]): Promise<BusMessage[]> {
    const { topic, partition, offset, max, waitMs, signal } = options;
    assertOpen();
    assertKnown(topic, partition);
    const deadlineMs = clock.nowMs() + waitMs;
    await nextTurn();
    while (!closed && !signal?.aborted) {
      const messages = log.read({ topic, partition, offset, max });
      if (messages.length > 0) return messages;
      assertInRange(options);
      const leftMs = deadlineMs - clock.nowMs();
      if (leftMs <= 0) return [];
      await sleepUntilPublished(partitionKey(topic, partition), Math.min(leftMs, POLL_MS), signal);
    }
    return [];
  }

  function assertInRange(at: { topic: string; partition: number; offset: number }): void {
    const end = log.endOffset(at.topic, at.partition);
    if (at.offset >= 0 && at.offset <= end) return;
    throw new CroupierError({
      code: 'BUS_OFFSET_OUT_OF_RANGE',
      errorClass: 'fatal',
      message: `got offset ${at.offset} of ${at.topic} partition ${at.partition}, expected 0 to ${end}`,
      details: { topic: at.topic, partition: at.partition, offset: at.offset, end },
    });
  }

  async function sleepUntilPublished(
    partition: string,
    durationMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const waiter = new AbortController();
    const stop = () => waiter.abort();
    const waiters = waiting.get(partition) ?? new Set();
    waiting.set(partition, waiters.add(waiter));
    signal?.addEventListener('abort', stop);
    try {
      await clock.sleep(durationMs, waiter.signal);
    } finally {
      signal?.removeEventListener('abort', stop);
      waiters.delete(waiter);
    }
  }

  async function endOffset(topic: string, partition: number): Promise<number> {
    assertOpen();
    assertKnown(topic, partition);
    return log.endOffset(topic, partition);
  }

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    for (const partition of waiting.keys()) wake(partition);
    database.close();
  }

  return { ensureTopic, publish, read, endOffset, close };
}

function partitionKey(topic: string, partition: number): string {
  return `${partition}:${topic}`;
}

/** The statements over the file; each call is one of them and leaves transactions to the caller. */
function createLog(database: DatabaseSync) {
  const selectTopic = database.prepare('SELECT partitions FROM topic WHERE topic = ?');
  const insertTopic = database.prepare('INSERT INTO topic (topic, partitions) VALUES (?, ?)');
  const selectLast = database.prepare(
    'SELECT offset FROM message WHERE topic = ? AND partition = ? ORDER BY offset DESC LIMIT 1',
  );
  const selectMessages = database.prepare(
    'SELECT * FROM message WHERE topic = ? AND partition = ? AND offset >= ? ORDER BY offset LIMIT ?',
  );
  const insertMessage = database.prepare(
    'INSERT INTO message (topic, partition, offset, key, value, headers, timestamp_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );

  function partitions(topic: string): number | undefined {
    const row = selectTopic.get(topic);
    return row === undefined ? undefined : Number(row.partitions);
  }

  function ensureTopic(topic: string, wanted: number): number {
    const existing = partitions(topic);
    if (existing === undefined) insertTopic.run(topic, wanted);
    return existing ?? wanted;
  }

  function endOffset(topic: string, partition: number): number {
    const row = selectLast.get(topic, partition);
    return row === undefined ? 0 : Number(row.offset) + 1;
  }

  function append(records: readonly BusRecord[], timestampMs: number): void {
    const ends = new Map<string, number>();
    for (const { topic, partition, key, value, headers } of records) {
      const name = partitionKey(topic, partition);
      const offset = ends.get(name) ?? endOffset(topic, partition);
      insertMessage.run(topic, partition, offset, key, value, JSON.stringify(headers), timestampMs);
      ends.set(name, offset + 1);
    }
  }

  function read(at: {
    topic: string;
    partition: number;
    offset: number;
    max: number;
  }): BusMessage[] {
    if (at.offset < 0) return [];
    return selectMessages.all(at.topic, at.partition, at.offset, at.max).map((row) => ({
      topic: at.topic,
      partition: at.partition,
      offset: Number(row.offset),
      key: String(row.key),
      value: String(row.value),
      headers: JSON.parse(String(row.headers)) as Record<string, string>,
      timestampMs: Number(row.timestamp_ms),
    }));
  }

  return { partitions, ensureTopic, endOffset, append, read };
}
