import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Bus } from '../../platform/bus/bus.ts';
import { openSqliteBus } from '../../platform/bus/sqlite.ts';
import { systemClock } from '../../platform/clock.ts';
import { auditBus } from './bus.ts';
import type { ChainLog } from './chainLogs.ts';
import { createMismatches, type Mismatch } from './mismatch.ts';
import { auditedDeployment, betId, createLogs, PLAYER } from './test/logs.ts';

const TOPIC = 'croupier.chain';
const { deployment } = auditedDeployment;
const PARTITION = 1;

let folder: string;
let bus: Bus;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'croupier-audit-'));
  bus = await openSqliteBus({ path: join(folder, 'bus.sqlite'), clock: systemClock });
  await bus.ensureTopic(TOPIC, 2);
});
afterEach(async () => {
  await bus.close();
  await rm(folder, { recursive: true });
});

type Fields = Record<string, unknown>;

function messageOf(log: ChainLog, n: number, more: Fields = {}): Fields {
  const type = log.event === 'Played' ? 'bet.played' : 'bet.credited';
  return { ...log, type, deployment, epoch: 1, partition: PARTITION, n, step: n, sign: 1, ...more };
}

function finality(n: number, partition: number, blockNumber: number): Fields {
  const position = { deployment, epoch: 1, partition, n };
  return { ...position, type: 'finality', id: `f${n}`, step: n, sign: 1, blockNumber };
}

async function publish(...messages: Fields[]): Promise<void> {
  await bus.publish(
    messages.map((value) => ({
      topic: TOPIC,
      partition: Number(value.partition),
      key: PLAYER,
      value: JSON.stringify(value),
      headers: Object.fromEntries(
        ['deployment', 'epoch', 'step', 'n', 'id', 'sign', 'type'].map((name) => [
          name,
          String(value[name]),
        ]),
      ),
    })),
  );
}

async function auditMessages(logs: readonly ChainLog[]): Promise<readonly Mismatch[]> {
  const mismatches = createMismatches();
  const finalBlock = logs.length;
  await auditBus({ bus, partitions: 2, deployment, logs, finalBlock }, mismatches);
  return mismatches.list;
}

function twoLogs(): [readonly ChainLog[], ChainLog, ChainLog] {
  const { log, logs } = createLogs();
  const played = log('Played', { id: betId(0), player: PLAYER, stake: '10', payout: '25' });
  const credited = log('Credited', { id: betId(1), player: PLAYER, amount: '5' });
  return [logs, played, credited];
}

test('deliveries twice, retractions and other deployments are as they should be', async () => {
  const [logs, played, credited] = twoLogs();
  const orphan = { ...played, id: 'orphan', blockHash: `0x${'9'.repeat(64)}` } as const;
  await publish(
    finality(1, 0, 2),
    { ...messageOf(played, 1), deployment: 'another' },
    messageOf(orphan, 1),
    messageOf(orphan, 2, { sign: -1 }),
    messageOf(played, 3),
    messageOf(played, 3),
    messageOf(credited, 4),
    messageOf(played, 5, { sign: -1 }),
    messageOf(played, 6),
    messageOf(played, 3),
    finality(7, 1, 2),
  );
  expect(await auditMessages(logs)).toEqual([]);
});

test('a higher epoch begins anew', async () => {
  const [logs, played, credited] = twoLogs();
  await publish(
    finality(1, 0, 2),
    messageOf(played, 1),
    messageOf(played, 1, { epoch: 2 }),
    messageOf(credited, 2, { epoch: 2 }),
    { ...finality(3, 1, 2), epoch: 2 },
  );
  expect(await auditMessages(logs)).toEqual([]);
});

test.each<[string, (played: ChainLog, credited: ChainLog) => Fields[], Partial<Mismatch>]>([
  [
    'another amount',
    (played, credited) => [
      messageOf(played, 1, { args: { ...played.args, payout: '26' } }),
      messageOf(credited, 2),
      finality(3, 1, 2),
    ],
    { key: `${TOPIC}/1@0`, field: 'args.payout', expected: '25', got: '26' },
  ],
  [
    'a missing event',
    (played) => [messageOf(played, 1), finality(2, 1, 2)],
    { field: 'message', expected: 'Credited', got: 'missing' },
  ],
  [
    'an event twice under two positions',
    (played, credited) => [
      messageOf(played, 1),
      messageOf(credited, 2),
      messageOf(played, 3),
      finality(4, 1, 2),
    ],
    { field: 'sum of sign', expected: '1', got: '2' },
  ],
  [
    'an event that never was',
    (played, credited) => [
      messageOf(played, 1),
      messageOf(credited, 2),
      messageOf({ ...played, id: 'invented' }, 3),
      finality(4, 1, 2),
    ],
    { key: 'invented', field: 'sum of sign', expected: '0', got: '1' },
  ],
  [
    'a gap',
    (played, credited) => [messageOf(played, 1), messageOf(credited, 3), finality(4, 1, 2)],
    { field: 'first position after a gap', got: '1' },
  ],
  [
    'finality that never came',
    (played, credited) => [messageOf(played, 1), messageOf(credited, 2), finality(3, 1, 1)],
    { key: `${TOPIC}/1`, field: 'final' },
  ],
])('%s is named', async (_, messages, expected) => {
  const [logs, played, credited] = twoLogs();
  await publish(finality(1, 0, 2), ...messages(played, credited));
  const mismatches = await auditMessages(logs);
  expect(mismatches).toHaveLength(1);
  expect(mismatches[0]).toMatchObject({ store: 'bus', ...expected });
});
