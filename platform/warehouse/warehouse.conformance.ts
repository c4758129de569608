import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../clock.ts';
import type { TableDefinition, Warehouse, WarehouseRow } from './warehouse.ts';

/** An adapter under test. A child process imports it too, so it is a module that exports `subject`. */
export interface WarehouseSubject {
  readonly name: string;
  /** A new warehouse without tables; `location` is all that `open` needs to find it. */
  createLocation(): Promise<string>;
  removeLocation(location: string): Promise<void>;
  open(args: { location: string; clock: Clock }): Promise<Warehouse>;
}

export const NOTES: TableDefinition = {
  name: 'notes',
  columns: [
    { name: 'n', type: 'UInt64' },
    { name: 'note', type: 'String' },
  ],
  orderBy: ['n'],
};

const EVERY_TYPE: TableDefinition = {
  name: 'every_type',
  columns: [
    { name: 'n', type: 'UInt64' },
    { name: 'text', type: 'String' },
    { name: 'flag', type: 'Bool' },
    { name: 'sign', type: 'Int8' },
    { name: 'small', type: 'UInt8' },
    { name: 'port', type: 'UInt16' },
    { name: 'epoch', type: 'UInt32' },
    { name: 'money', type: 'Int256' },
    { name: 'big', type: 'UInt256' },
    { name: 'at', type: 'DateTime' },
    { name: 'texts', type: 'Array(String)' },
    { name: 'bigs', type: 'Array(UInt256)' },
  ],
  orderBy: ['n', 'sign'],
};

const HOSTILE_TEXTS = [
  '',
  'ok\n\nDROP TABLE notes;\n\n',
  "'); DROP TABLE notes; --",
  '\\N\t\\\'"`\r\n{n:UInt64}\0\u0001',
  'FORMAT Native\n\n;SELECT 1',
  'naïve – 漢字 – \u{1F3B0}',
  'x'.repeat(70_000),
];

const INT256_LIMIT = 1n << 255n;
const UINT256_MAX = (1n << 256n) - 1n;
const USER_QUERY_MS = 3_000;
const SLOW_QUERY = 'SELECT sum(sipHash64(number)) FROM numbers(400000000000)';

/** Registers the tests that every warehouse passes. */
export function testWarehouse(subject: WarehouseSubject): void {
  const cleanups: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function newLocation(): Promise<string> {
    const location = await subject.createLocation();
    cleanups.push(() => subject.removeLocation(location));
    return location;
  }

  async function openAt(location: string): Promise<Warehouse> {
    const warehouse = await subject.open({ location, clock: systemClock });
    cleanups.push(() => warehouse.close());
    return warehouse;
  }

  async function openWithNotes(): Promise<Warehouse> {
    const warehouse = await openAt(await newLocation());
    await warehouse.ensureTable(NOTES);
    return warehouse;
  }

  test(`${subject.name}: the limits of every type come back as they went in`, async () => {
    const warehouse = await openAt(await newLocation());
    await warehouse.ensureTable(EVERY_TYPE);
    const least = {
      ...{ n: 0, text: '', flag: false, sign: -128, small: 0, port: 0, epoch: 0 },
      ...{ money: `${-INT256_LIMIT}`, big: '0', at: 0, texts: [], bigs: [] },
    };
    const most = {
      ...{ n: '18446744073709551615', text: 'Z', flag: true, sign: 127, small: 255, port: 65_535 },
      ...{ epoch: 4_294_967_295, money: `${INT256_LIMIT - 1n}`, big: `${UINT256_MAX}` },
      ...{ at: 4_294_967_295, texts: HOSTILE_TEXTS, bigs: ['0', `${UINT256_MAX}`, '1'] },
    };
    const minusOne = { ...least, n: 1, money: '-1', sign: -1, texts: [''], bigs: ['7'] };
    const safe = { ...least, n: Number.MAX_SAFE_INTEGER, money: 2 ** 40 + 1, big: 5, port: '7' };
    await insert(warehouse, EVERY_TYPE, [least, minusOne, safe, most]);
    const rows = await warehouse.query('SELECT * FROM every_type ORDER BY n');
    expect(rows).toEqual([
      { ...least, n: '0', at: '1970-01-01 00:00:00' },
      { ...minusOne, n: '1', at: '1970-01-01 00:00:00' },
      {
        ...safe,
        ...{ n: '9007199254740991', money: '1099511627777', big: '5', port: 7 },
        at: '1970-01-01 00:00:00',
      },
      { ...most, at: '2106-02-07 06:28:15' },
    ]);
  });

  test(`${subject.name}: random rows come back as they went in`, async () => {
    const warehouse = await openWithNotes();
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 60 });
    let token = 0;
    await fc.assert(
      fc.asyncProperty(texts, async (notes) => {
        token += 1;
        await warehouse.command('TRUNCATE TABLE notes');
        await insert(warehouse, NOTES, notes.map(noteRow), `random:${token}`);
        expect(await notesOf(warehouse)).toEqual(notes);
      }),
      { numRuns: 20 },
    );
  });

  test(`${subject.name}: hostile text is stored and never runs`, async () => {
    const warehouse = await openWithNotes();
    await insert(warehouse, NOTES, HOSTILE_TEXTS.map(noteRow));
    expect(await notesOf(warehouse)).toEqual(HOSTILE_TEXTS);
  });

  test(`${subject.name}: half a surrogate pair becomes U+FFFD`, async () => {
    const warehouse = await openWithNotes();
    await insert(warehouse, NOTES, ['a\ud83cb', '\udfb0'].map(noteRow));
    expect(await notesOf(warehouse)).toEqual(['a\ufffdb', '\ufffd']);
  });

  test(`${subject.name}: parameters are values and never SQL`, async () => {
    const warehouse = await openWithNotes();
    await insert(warehouse, NOTES, HOSTILE_TEXTS.map(noteRow));
    for (const [n, note] of HOSTILE_TEXTS.entries()) {
      const rows = await warehouse.query(
        'SELECT note FROM notes WHERE note = {note:String} AND n = {n:UInt64}',
        { note, n },
      );
      expect(rows).toEqual([{ note }]);
    }
  });

  test(`${subject.name}: a repeated token adds nothing, to the table and to views of it, even after a reopen`, async () => {
    const location = await newLocation();
    const first = await openAt(location);
    await first.ensureTable(NOTES);
    await first.command(
      `CREATE TABLE totals (k UInt8, c Int64) ENGINE = SummingMergeTree ORDER BY k
        SETTINGS non_replicated_deduplication_window = 100000`,
    );
    await first.command(
      `CREATE MATERIALIZED VIEW notes_total TO totals AS
        SELECT toUInt8(0) AS k, toInt64(count()) AS c FROM notes GROUP BY k`,
    );
    const rows = ['a', 'b'].map(noteRow);
    await insert(first, NOTES, rows, 'stream:0xab:1:7');
    await insert(first, NOTES, rows, 'stream:0xab:1:7');
    await first.close();
    const second = await openAt(location);
    await insert(second, NOTES, rows, 'stream:0xab:1:7');
    expect(await notesOf(second)).toEqual(['a', 'b']);
    expect(await second.query('SELECT sum(c) AS c FROM totals')).toEqual([{ c: '2' }]);
    // The same rows under another token are other rows.
    await insert(second, NOTES, rows, 'stream:0xab:1:8');
    expect(await notesOf(second)).toEqual(['a', 'a', 'b', 'b']);
    expect(await second.query('SELECT sum(c) AS c FROM totals')).toEqual([{ c: '4' }]);
  });

  test(`${subject.name}: a large insert is one block: its repetition adds nothing`, async () => {
    const warehouse = await openWithNotes();
    const rows = Array.from({ length: 150_000 }, (_, n) => ({ n, note: 'x' }));
    await insert(warehouse, NOTES, rows, 'large');
    await insert(warehouse, NOTES, rows, 'large');
    expect(await warehouse.query('SELECT count() AS c FROM notes')).toEqual([{ c: '150000' }]);
  });

  test(`${subject.name}: a value that its column cannot hold is refused by name, and no row of it stays`, async () => {
    const warehouse = await openWithNotes();
    const bad: WarehouseRow[] = [
      { n: -1, note: 'a' },
      { n: '18446744073709551616', note: 'a' },
      { n: 1.5, note: 'a' },
      { n: 'one', note: 'a' },
      { n: 1, note: 5 },
      { n: 1 },
      { n: 1, note: 'a', more: 1 },
    ];
    for (const row of bad) {
      await expect(insert(warehouse, NOTES, [noteRow('good', 0), row])).rejects.toMatchObject({
        code: 'WAREHOUSE_VALUE_INVALID',
        errorClass: 'final',
        message: expect.stringContaining('notes'),
      });
    }
    expect(await notesOf(warehouse)).toEqual([]);
  });

  test(`${subject.name}: no rows are no insert, and a token with other characters is refused`, async () => {
    const warehouse = await openWithNotes();
    await insert(warehouse, NOTES, []);
    for (const token of ['', "a'b", 'a\nb', 'x'.repeat(201)]) {
      await expect(insert(warehouse, NOTES, [noteRow('a', 0)], token)).rejects.toMatchObject({
        code: 'WAREHOUSE_TOKEN_INVALID',
      });
    }
    expect(await notesOf(warehouse)).toEqual([]);
  });

  test(`${subject.name}: ensureTable() keeps a table that is the same and refuses one that differs`, async () => {
    const warehouse = await openWithNotes();
    await insert(warehouse, NOTES, [noteRow('kept', 0)]);
    await warehouse.ensureTable(NOTES);
    await warehouse.ensureTable(EVERY_TYPE);
    await warehouse.ensureTable(EVERY_TYPE);
    const [n, note] = NOTES.columns;
    if (!n || !note) throw new Error('got no columns, expected two');
    const different: TableDefinition[] = [
      { ...NOTES, columns: [n] },
      { ...NOTES, columns: [note, n] },
      { ...NOTES, columns: [n, { ...note, type: 'UInt8' }] },
      { ...NOTES, orderBy: ['note'] },
      { ...NOTES, orderBy: ['n', 'note'] },
    ];
    for (const definition of different) {
      await expect(warehouse.ensureTable(definition)).rejects.toMatchObject({
        code: 'WAREHOUSE_TABLE_DIFFERS',
        errorClass: 'fatal',
      });
    }
    expect(await notesOf(warehouse)).toEqual(['kept']);
  });

  test(`${subject.name}: a view can be made again and is read by name`, async () => {
    const warehouse = await openWithNotes();
    for (let again = 0; again < 2; again++)
      await warehouse.command(
        'CREATE OR REPLACE VIEW final_notes AS SELECT * FROM notes WHERE n > 0',
      );
    await insert(warehouse, NOTES, ['a', 'b'].map(noteRow));
    const rows = [{ n: '1', note: 'b' }];
    expect(await warehouse.query('SELECT * FROM final_notes')).toEqual(rows);
    const asUser = await warehouse.userQuery('SELECT * FROM final_notes', { timeoutMs: 5_000 });
    expect(asUser).toEqual(rows);
  });

  test(`${subject.name}: a statement that can never succeed fails as final, with the engine's sentence`, async () => {
    const warehouse = await openWithNotes();
    for (const failing of [
      () => warehouse.query('SELECT * FROM nowhere'),
      () => warehouse.command('CREATE TABEL x'),
      () => warehouse.query('SELECT {n:UInt64}', { n: 'no number' }),
      () => insert(warehouse, { ...NOTES, name: 'nowhere' }, [noteRow('a', 0)]),
    ])
      await expect(failing()).rejects.toMatchObject({
        code: 'WAREHOUSE_FAILED',
        errorClass: 'final',
        message: expect.stringContaining('DB::Exception'),
      });
  });

  test(`${subject.name}: a user reads, and is told in ClickHouse's own words what fails`, async () => {
    const warehouse = await openWithNotes();
    await insert(warehouse, NOTES, ['a', 'b'].map(noteRow));
    const reading: [sql: string, answer: unknown][] = [
      [
        'SELECT n, note FROM notes ORDER BY n DESC; -- a comment',
        [
          { n: '1', note: 'b' },
          { n: '0', note: 'a' },
        ],
      ],
      ['WITH 2 AS x SELECT x', [{ x: 2 }]],
      ['SHOW TABLES', [{ name: 'notes' }]],
      ['EXISTS TABLE notes', [{ result: 1 }]],
      ["SELECT 'INTO OUTFILE file(1)' AS x", [{ x: 'INTO OUTFILE file(1)' }]],
      ["SHOW TABLES LIKE 'no%'", [{ name: 'notes' }]],
    ];
    for (const [sql, answer] of reading)
      expect(await warehouse.userQuery(sql, { timeoutMs: 5_000 })).toEqual(answer);
    const explained = await warehouse.userQuery('EXPLAIN SELECT 1', { timeoutMs: 5_000 });
    expect(explained.length).toBeGreaterThan(0);
    const failing = warehouse.userQuery('SELECT * FROM nowhere', { timeoutMs: 5_000 });
    await expect(failing).rejects.toMatchObject({
      code: 'WAREHOUSE_QUERY_FAILED',
      errorClass: 'final',
      message: expect.stringContaining('nowhere'),
    });
  });

  test(`${subject.name}: a user cannot write, leave the tables, or lift a limit`, async () => {
    const warehouse = await openWithNotes();
    await insert(warehouse, NOTES, [noteRow('kept', 0)]);
    for (const sql of [
      'DROP TABLE notes',
      'TRUNCATE TABLE notes',
      "INSERT INTO notes VALUES (1, 'x')",
      'ALTER TABLE notes DELETE WHERE 1',
      'CREATE TEMPORARY TABLE mine (a UInt8)',
      'SELECT 1; DROP TABLE notes',
      'SELECT 1\n\nDROP TABLE notes',
      "INSERT INTO FUNCTION file('warehouse-test.csv', 'CSV', 'a String') VALUES ('x')",
      "SELECT 1 INTO OUTFILE 'warehouse-test.csv'",
      "(SELECT 1) INTO OUTFILE 'warehouse-test.csv'",
      "SELECT 1) INTO OUTFILE 'warehouse-test.csv' --",
      "EXPLAIN SELECT 1 INTO OUTFILE 'warehouse-test.csv'",
      "SHOW TABLES INTO OUTFILE 'warehouse-test.csv'",
      "SELECT * FROM file('/etc/hostname', 'LineAsString')",
      "SELECT file('/etc/hostname')",
      "SELECT arrayMap(x -> `file`(x), ['/etc/hostname'])",
      "SELECT * APPLY(file) FROM (SELECT '/etc/hostname')",
      "SELECT * APPLY(x -> file(x)) FROM (SELECT '/etc/hostname')",
      "SELECT `fi\\x6ce`('/etc/hostname')",
      "SELECT 'it''s', '\\'', file('/etc/hostname'), ''",
      "WITH (SELECT file('/etc/hostname')) AS x SELECT x",
      "DESCRIBE (SELECT toUInt8(file('/etc/hostname')))",
      "SHOW TABLES WHERE name = file('/etc/hostname')",
      'SELECT * FROM default.`/etc/hostname.csv`',
      "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
      "SELECT * FROM executable('ls', 'LineAsString', 'a String')",
      'SET readonly = 0',
      'SELECT 1 SETTINGS readonly = 0',
      'SELECT 1 SETTINGS max_execution_time = 0',
      'SYSTEM STOP MERGES',
      'USE system',
      'SELECT 1 FORMAT CSV',
      '',
      'SELECT'.repeat(50_000),
    ])
      await expect(
        warehouse.userQuery(sql, { timeoutMs: 5_000 }).then((answer) => ({ sql, answer })),
      ).rejects.toMatchObject({
        code: 'WAREHOUSE_QUERY_FAILED',
        errorClass: 'final',
        message: expect.stringMatching(/DB::Exception|^got .*, expected/s),
      });
    expect(await notesOf(warehouse)).toEqual(['kept']);
  });

  test(`${subject.name}: a user's query ends at its time limit and holds up no insert meanwhile`, async () => {
    const warehouse = await openWithNotes();
    const startMs = Date.now();
    const slow = [1, 2].map(() =>
      warehouse
        .userQuery(SLOW_QUERY, { timeoutMs: USER_QUERY_MS })
        .catch((error: unknown) => ({ error, afterMs: Date.now() - startMs })),
    );
    let ended = false;
    void Promise.race(slow).then(() => {
      ended = true;
    });
    for (let n = 0; n < 5; n++) await insert(warehouse, NOTES, [noteRow('a', n)], `during:${n}`);
    expect(await notesOf(warehouse)).toHaveLength(5);
    expect(ended).toBe(false);
    for (const outcome of await Promise.all(slow))
      expect(outcome).toMatchObject({
        error: { code: 'WAREHOUSE_QUERY_TIMEOUT', errorClass: 'final' },
      });
    expect(Date.now() - startMs).toBeLessThan(3 * USER_QUERY_MS);
  });

  test(`${subject.name}: an answer that is too large is refused, and the next one comes`, async () => {
    const warehouse = await openWithNotes();
    const huge = "SELECT repeat('x', 1000000) AS x FROM numbers(100)";
    await expect(warehouse.userQuery(huge, { timeoutMs: 5_000 })).rejects.toMatchObject({
      code: 'WAREHOUSE_QUERY_FAILED',
    });
    expect(await warehouse.userQuery('SELECT 1 AS x', { timeoutMs: 5_000 })).toEqual([{ x: 1 }]);
  });

  test(`${subject.name}: close() lets what is under way finish and refuses what comes after`, async () => {
    const location = await newLocation();
    const warehouse = await openAt(location);
    await warehouse.ensureTable(NOTES);
    const under = insert(warehouse, NOTES, [noteRow('a', 0)]);
    const reading = warehouse.query('SELECT 1 AS x');
    await Promise.all([reading.then(() => warehouse.close()), under]);
    await warehouse.close();
    await expect(warehouse.query('SELECT 1')).rejects.toMatchObject({ code: 'WAREHOUSE_CLOSED' });
    expect(await notesOf(await openAt(location))).toEqual(['a']);
  });
}

function noteRow(note: string, n: number): WarehouseRow {
  return { n, note };
}

async function insert(
  warehouse: Warehouse,
  table: TableDefinition,
  rows: readonly WarehouseRow[],
  deduplicationToken = 'once',
): Promise<void> {
  await warehouse.insert({ table, rows, deduplicationToken });
}

async function notesOf(warehouse: Warehouse): Promise<string[]> {
  const rows = await warehouse.query<{ note: string }>('SELECT note FROM notes ORDER BY n, note');
  return rows.map(({ note }) => note);
}
