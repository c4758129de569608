import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LedgerContext } from '../ledger/ledger.ts';
import { ledgerMigrations } from '../ledger/migrations.ts';
import { GATEWAY_TOPIC } from '../ledger/outbox.ts';
import type { LedgerDatabase } from '../ledger/schema.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { openSqliteBus } from '../platform/bus/sqlite.ts';
import { systemClock } from '../platform/clock.ts';
import { openSqliteJournal } from '../platform/journal/sqlite.ts';
import { createRelay } from './relay.ts';

const PARTITIONS = 2;

let folder: string;
let bus: Bus;
let ledger: LedgerContext;
let crashes: number;

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'croupier-relay-'));
  bus = await openSqliteBus({ path: path.join(folder, 'bus.sqlite'), clock: systemClock });
  crashes = 0;
  ledger = {
    journal: await openSqliteJournal<LedgerDatabase>({
      path: path.join(folder, 'ledger.sqlite'),
      migrations: ledgerMigrations,
      clock: systemClock,
    }),
    clock: systemClock,
    refKey: randomBytes(32),
    crash: (point) => {
      if (point === 'outbox.published' && crashes > 0) {
        crashes--;
        throw new Error('died here');
      }
    },
  };
});

afterEach(async () => {
  await ledger.journal.close();
  await bus.close();
  await fs.rm(folder, { recursive: true });
});

async function write(first: number, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => ({
    deployment: '0xd1',
    topic: GATEWAY_TOPIC,
    partition: (first + index) % PARTITIONS,
    key: '0xplayer',
    value: JSON.stringify({ type: 'request.accepted', number: first + index }),
    published: 0,
  }));
  await ledger.journal.transaction(async (tx) => {
    await tx.insertInto('outbox').values(rows).execute();
  });
}

async function numbersOnBus(partition: number): Promise<number[]> {
  const messages = await bus.read({
    topic: GATEWAY_TOPIC,
    partition,
    offset: 0,
    max: 10_000,
    waitMs: 0,
  });
  return messages.map((message) => JSON.parse(message.value).number);
}

const unpublished = () =>
  ledger.journal.read.selectFrom('outbox').select('outbox').where('published', '=', 0).execute();

test('rows reach the bus in order, once, and are marked', async () => {
  const relay = createRelay({ ledger, bus, partitions: PARTITIONS, onError: () => {} });
  await write(0, 1_200);
  await relay.start();
  await vi.waitFor(async () => expect(await unpublished()).toEqual([]), 10_000);
  await write(1_200, 4);
  await vi.waitFor(async () => expect(await unpublished()).toEqual([]), 10_000);
  await relay.stop();
  const even = Array.from({ length: 602 }, (_, index) => 2 * index);
  expect(await numbersOnBus(0)).toEqual(even);
  expect(await numbersOnBus(1)).toEqual(even.map((number) => number + 1));
  const [message] = await bus.read({
    topic: GATEWAY_TOPIC,
    partition: 0,
    offset: 0,
    max: 1,
    waitMs: 0,
  });
  expect(message?.headers).toEqual({ deployment: '0xd1', type: 'request.accepted' });
});

test('a death between publishing and marking repeats rows and loses none', async () => {
  crashes = 1;
  const errors: unknown[] = [];
  const relay = createRelay({
    ledger,
    bus,
    partitions: PARTITIONS,
    onError: (error) => errors.push(error),
  });
  await write(0, 4);
  await relay.start();
  await vi.waitFor(async () => expect(await unpublished()).toEqual([]), 10_000);
  await relay.stop();
  expect(errors).toHaveLength(1);
  expect(await numbersOnBus(0)).toEqual([0, 2, 0, 2]);
  expect(relay.status()).toEqual({ failuresInRow: 0 });
});
