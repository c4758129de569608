import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from '../clock.ts';
import { startTestChild } from '../testChild.ts';
import { subject } from './chdb.subject.ts';
import { NOTES, testWarehouse } from './warehouse.conformance.ts';
import type { Warehouse } from './warehouse.ts';

testWarehouse(subject);

/** What an answer of our own may take, and what one test makes of it. */
const WORK_TIMEOUT_MS = 60_000;
const IMPATIENT_MS = 2_000;

const run = promisify(execFile);

async function newLocation(): Promise<string> {
  const location = await subject.createLocation();
  onTestFinished(() => subject.removeLocation(location));
  return location;
}

async function openAt(location: string): Promise<Warehouse> {
  const warehouse = await subject.open({ location, clock: systemClock });
  onTestFinished(() => warehouse.close());
  await warehouse.ensureTable(NOTES);
  return warehouse;
}

async function engineOf(parent: number): Promise<number> {
  const { stdout } = await run('pgrep', ['-P', `${parent}`, '-f', 'chdbChild']);
  return Number(stdout.trim().split('\n').at(-1));
}

function insertNote(warehouse: Warehouse, n: number): Promise<void> {
  return warehouse.insert({
    table: NOTES,
    rows: [{ n, note: `${n}` }],
    deduplicationToken: `note:${n}`,
  });
}

async function numbersOf(warehouse: Warehouse): Promise<number[]> {
  const rows = await warehouse.query<{ n: string }>('SELECT n FROM notes ORDER BY n');
  return rows.map(({ n }) => Number(n));
}

test('chDB warehouse: when the engine dies, what waits fails as retryable and its repetition works once', async () => {
  const warehouse = await openAt(await newLocation());
  await insertNote(warehouse, 0);
  for (let n = 1; n <= 5; n++) {
    const waiting = insertNote(warehouse, n).then(
      () => 'done',
      (error: { code: string; errorClass: string }) => `${error.code} ${error.errorClass}`,
    );
    const reading = warehouse.query('SELECT sleep(3)').catch((error: unknown) => error);
    process.kill(await engineOf(process.pid), 'SIGKILL');
    expect(await waiting).toMatch(/^(done|WAREHOUSE_GONE retryable)$/);
    expect(await reading).toMatchObject({ code: 'WAREHOUSE_GONE', errorClass: 'retryable' });
    await insertNote(warehouse, n);
  }
  expect(await numbersOf(warehouse)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('chDB warehouse: an insert whose token was written down but not its rows can be repeated', async () => {
  const location = await newLocation();
  const first = await openAt(location);
  for (const n of [1, 2, 3]) await insertNote(first, n);
  const parts = 'SELECT path FROM system.parts WHERE active AND table = {t:String} ORDER BY name';
  const folders = await first.query<{ path: string }>(parts, { t: 'notes' });
  await first.close();
  // As a death between the two leaves it.
  await fs.rm(folders[2]?.path ?? '', { recursive: true });
  const second = await openAt(location);
  for (const n of [1, 2, 3]) await insertNote(second, n);
  for (const n of [1, 2, 3]) await insertNote(second, n);
  expect(await numbersOf(second)).toEqual([1, 2, 3]);
});

test('chDB warehouse: the engine ends with the process that opened it, also after kill -9, and the folder is free', async () => {
  const location = await newLocation();
  const child = startTestChild(new URL('./chdb.child.ts', import.meta.url), [location]);
  const [parent = '', engine = ''] = (await child.nextLine()).split(' ');
  expect(engine).not.toBe(parent);
  await child.kill();
  await expect.poll(() => isAlive(engine)).toBe(false);
  expect(await numbersOf(await openAt(location))).toEqual([1]);
});

test('chDB warehouse: a folder that another process holds is refused by name after ten seconds', async () => {
  const location = await newLocation();
  const child = startTestChild(new URL('./chdb.child.ts', import.meta.url), [location]);
  try {
    await child.nextLine();
    const error = await openAt(location).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'WAREHOUSE_FOLDER_BUSY', errorClass: 'final' });
    expect(String(error)).toContain(location);
  } finally {
    await child.kill();
  }
  await openAt(location);
});

test('chDB warehouse: the engine outlives the Ctrl-C that its parent also gets', async () => {
  const warehouse = await openAt(await newLocation());
  const engine = await engineOf(process.pid);
  process.kill(engine, 'SIGINT');
  process.kill(engine, 'SIGTERM');
  await insertNote(warehouse, 1);
  expect(await engineOf(process.pid)).toBe(engine);
});

test('chDB warehouse: rows that a dead process left in the inbox go, and no insert leaves any', async () => {
  const location = await newLocation();
  const inbox = path.join(location, 'w', 'inbox');
  await fs.mkdir(inbox, { recursive: true });
  await fs.writeFile(path.join(inbox, '1.native'), 'left');
  const warehouse = await openAt(location);
  await insertNote(warehouse, 1);
  await expect(
    warehouse.insert({
      table: { ...NOTES, name: 'nowhere' },
      rows: [{ n: 1, note: '' }],
      deduplicationToken: 'a',
    }),
  ).rejects.toMatchObject({ code: 'WAREHOUSE_FAILED' });
  expect(await fs.readdir(inbox)).toEqual([]);
});

test('chDB warehouse: an engine that does not answer in time is replaced', async () => {
  const location = await newLocation();
  const impatient: Clock = {
    ...systemClock,
    sleep: (durationMs, signal) =>
      systemClock.sleep(durationMs === WORK_TIMEOUT_MS ? IMPATIENT_MS : durationMs, signal),
  };
  const warehouse = await subject.open({ location, clock: impatient });
  onTestFinished(() => warehouse.close());
  await warehouse.ensureTable(NOTES);
  const engine = await engineOf(process.pid);
  await expect(
    warehouse.query('SELECT sum(sipHash64(number)) FROM numbers(400000000000)'),
  ).rejects.toMatchObject({
    code: 'WAREHOUSE_TIMEOUT',
    errorClass: 'retryable',
  });
  await insertNote(warehouse, 1);
  expect(await numbersOf(warehouse)).toEqual([1]);
  expect(await engineOf(process.pid)).not.toBe(engine);
});

test('chDB warehouse: requests beyond the bound are refused as retryable', async () => {
  const warehouse = await openAt(await newLocation());
  const outcomes = await Promise.allSettled(
    Array.from({ length: 300 }, () => warehouse.query('SELECT 1')),
  );
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(300 - 256);
  expect(refused[0]).toMatchObject({
    reason: { code: 'WAREHOUSE_OVERLOADED', errorClass: 'retryable' },
  });
});

test('chDB warehouse: a folder whose name the engine takes for a pattern is refused', async () => {
  for (const name of ['a*', 'a?', '{a}']) {
    const location = path.join(await newLocation(), name);
    await expect(openAt(location)).rejects.toMatchObject({ code: 'WAREHOUSE_UNUSABLE' });
  }
});

test('chDB warehouse: a folder that is a file is refused in one sentence', async () => {
  const location = await newLocation();
  await fs.mkdir(path.join(location, 'w'));
  await fs.writeFile(path.join(location, 'w', 'engine'), '');
  await expect(openAt(location)).rejects.toMatchObject({
    code: 'WAREHOUSE_UNUSABLE',
    errorClass: 'final',
  });
});

async function isAlive(pid: string): Promise<boolean> {
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', pid]).catch(() => ({ stdout: '' }));
  // A zombie is dead; only nobody has asked how it died.
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}
