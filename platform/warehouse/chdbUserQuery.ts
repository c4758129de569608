import type { Session } from 'chdb';
import { tooLarge, WorkRefused } from './chdbRefusal.ts';

/** ClickHouse's code for a statement that a read-only connection may not run. */
const READONLY = 164;
const MAX_RESULT_BYTES = 32 * 1024 * 1024;
const MAX_MEMORY_BYTES = 1024 * 1024 * 1024;

const TEXT_LITERAL = /'(?:[^'\\]|\\.)*'/gs;
/** Without brackets it calls no functions. */
const PLAIN_STATEMENT = /^(SHOW|DESCRIBE|EXISTS)\b[^()]*$/;

/**
 * The statement as the engine's own parser understood it, if it only reads. `readonly = 1` alone
 * still lets a statement write a file (`INTO OUTFILE`), read one (the function `file`) or steer the
 * engine (`SYSTEM`), and several statements in one text all run.
 *
 * @throws WorkRefused, or what the engine throws for a text it cannot parse
 */
export async function parseUserQuery(session: Session, sql: string): Promise<string> {
  // The parser refuses more than one statement here, and what it writes back holds no comments.
  const rows = await session.queryBindAsync(
    'SELECT formatQuerySingleLine({sql:String}) AS sql',
    { sql },
    { format: 'JSONEachRow' },
  );
  const { sql: statement } = JSON.parse(rows.text()) as { sql: string };
  if (/\bfile\b/.test(statement.replace(TEXT_LITERAL, ''))) throw refuse('the function file');
  if (PLAIN_STATEMENT.test(statement)) {
    if (/\b(INTO OUTFILE|FORMAT)\b/.test(statement)) throw refuse('INTO OUTFILE or FORMAT');
    return statement;
  }
  // Whatever is more than a SELECT or EXPLAIN is a syntax error inside the brackets.
  const inBrackets = session.queryBindAsync('SELECT formatQuerySingleLine({sql:String})', {
    sql: `SELECT * FROM (${statement})`,
  });
  await inBrackets.catch(() => {
    throw refuse('a statement that does more than read');
  });
  return statement;
}

function refuse(got: string): WorkRefused {
  return new WorkRefused({
    sentence: `got ${got}, expected one SELECT, EXPLAIN, SHOW, DESCRIBE or EXISTS over the tables`,
    clickhouseCode: READONLY,
  });
}

/**
 * The rows of a parsed statement, one JSON object a line.
 *
 * @throws WorkRefused when they are too many bytes, or what the engine throws
 */
export async function readUserRows(session: Session, statement: string): Promise<string> {
  const format = 'JSONEachRow';
  // The engine streams nothing else, and their answers are small.
  if (!/^(SELECT|WITH|\()/.test(statement))
    return (await session.queryAsync(statement, { format })).text();
  const chunks: string[] = [];
  let bytes = 0;
  // As a whole, an answer would grow in memory without regard to any of the engine's limits.
  for await (const chunk of session.queryStream(statement, { format })) {
    bytes += chunk.numBytes;
    if (bytes > MAX_RESULT_BYTES) throw tooLarge(MAX_RESULT_BYTES);
    chunks.push(chunk.text());
  }
  return chunks.join('');
}

/** The limits of a connection for a user's query; nothing the query says can lift them. */
export function userLimitsSql(timeoutMs: number): string {
  return `SET max_execution_time = ${timeoutMs / 1000}, timeout_overflow_mode = 'throw',
    max_memory_usage = ${MAX_MEMORY_BYTES}, max_threads = 1, readonly = 1`;
}
