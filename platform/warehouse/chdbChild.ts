import { setTimeout as delay } from 'node:timers/promises';
import { drainPending, Session } from 'chdb';
import {
  type ChdbAnswer,
  type ChdbMessage,
  type ChdbWork,
  ENGINE_FOLDER,
  LOCK_WAIT_MS,
} from './chdbProtocol.ts';
import { failureOf, tooLarge } from './chdbRefusal.ts';
import { findLostInserts, forgetLostInserts } from './chdbRepair.ts';
import { parseUserQuery, readUserRows, userLimitsSql } from './chdbUserQuery.ts';

/**
 * The ClickHouse engine in a process of its own: it serves its parent over the channel of `fork` in
 * the parent's working folder, and dies with it.
 */

const LOCK_RETRY_MS = 100;
/** Each holds a thread of the pool that inserts need too. */
const MAX_USER_QUERIES = 2;
/** Shorter than the parent's patience, so that the engine gives up first and says why. */
const READ_TIMEOUT_S = 50;
const MAX_READ_BYTES = 256 * 1024 * 1024;

const OUTPUT_SQL = `SET session_timezone = 'UTC', output_format_json_quote_64bit_integers = 1`;

const served = new Set<Promise<void>>();
let userQueries = 0;
const waitingUserQueries: (() => void)[] = [];

// Whatever ends the parent closes the channel. A part of an insert that did not finish is none.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C and a service manager reach the whole group, but the parent still has rows to hand over.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

const writer = await openEngine();
if (writer) {
  const reader = await connect(`SET max_execution_time = ${READ_TIMEOUT_S}`);
  process.on('message', (message: ChdbMessage) => {
    if (message.kind === 'close') {
      void close([writer, reader]);
      return;
    }
    const serving = serve(message.id, () => run(message.work, writer, reader));
    served.add(serving);
    void serving.then(() => served.delete(serving));
  });
  answer({ kind: 'ready' });
}

async function openEngine(): Promise<Session | undefined> {
  const giveUpMs = performance.now() + LOCK_WAIT_MS;
  while (true) {
    try {
      return await openRepaired();
    } catch (error) {
      if (performance.now() < giveUpMs) await delay(LOCK_RETRY_MS);
      else {
        answer({ kind: 'unusable', reason: failureOf(error).sentence });
        return undefined;
      }
    }
  }
}

async function openRepaired(): Promise<Session> {
  const session = await connectWriter();
  const lost = await findLostInserts(session);
  if (lost.length === 0) return session;
  session.close();
  await drainPending();
  await forgetLostInserts(lost);
  return await connectWriter();
}

async function connectWriter(): Promise<Session> {
  const session = new Session(ENGINE_FOLDER);
  // Not `default`, which in this engine also shows files as tables.
  await session.queryAsync('CREATE DATABASE IF NOT EXISTS croupier ENGINE = Atomic');
  await session.queryAsync('USE croupier');
  return session;
}

async function connect(settingsSql: string): Promise<Session> {
  const session = new Session(ENGINE_FOLDER);
  await session.queryAsync('USE croupier');
  await session.queryAsync(OUTPUT_SQL);
  await session.queryAsync(settingsSql);
  return session;
}

async function run(work: ChdbWork, writer: Session, reader: Session): Promise<string> {
  if (work.kind === 'write') {
    await writer.queryAsync(work.sql);
    return '';
  }
  if (work.kind === 'user') return await runUserQuery(work.sql, work.timeoutMs);
  const result = await reader.queryBindAsync(work.sql, work.params, { format: 'JSONEachRow' });
  if (result.bytes().length > MAX_READ_BYTES) throw tooLarge(MAX_READ_BYTES);
  return result.text();
}

async function runUserQuery(sql: string, timeoutMs: number): Promise<string> {
  if (userQueries < MAX_USER_QUERIES) userQueries += 1;
  else await new Promise<void>((resolve) => waitingUserQueries.push(resolve));
  let session: Session | undefined;
  try {
    // A connection each: nothing a user sets outlives the query, and queries do not queue up.
    session = await connect(userLimitsSql(timeoutMs));
    const statement = await parseUserQuery(session, sql);
    return await readUserRows(session, statement);
  } finally {
    session?.close();
    const next = waitingUserQueries.shift();
    if (next) next();
    else userQueries -= 1;
  }
}

async function serve(id: number, work: () => Promise<string>): Promise<void> {
  try {
    answer({ kind: 'done', id, rows: await work() });
  } catch (error) {
    answer({ kind: 'failed', id, failure: failureOf(error) });
  }
}

async function close(sessions: readonly Session[]): Promise<void> {
  await Promise.all(served);
  for (const session of sessions) session.close();
  await drainPending();
  answer({ kind: 'closed' });
}

function answer(message: ChdbAnswer): void {
  // A parent that is gone needs no answer; 'disconnect' follows.
  process.send?.(message, undefined, {}, () => {});
}
