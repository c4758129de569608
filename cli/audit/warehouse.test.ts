import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { croupierConfig } from '../../indexer/config.ts';
import { eventSpecsOf } from '../../indexer/events.ts';
import { rowsOf, type StepContent } from '../../indexer/place.ts';
import { ensureTables, tablesOf } from '../../indexer/tables.ts';
import { systemClock } from '../../platform/clock.ts';
import { openChdbWarehouse } from '../../platform/warehouse/chdb.ts';
import type { Warehouse } from '../../platform/warehouse/warehouse.ts';
import type { ChainLog } from './chainLogs.ts';
import { createMismatches, type Mismatch } from './mismatch.ts';
import { auditedDeployment, betId, createLogs, OPERATOR, PLAYER } from './test/logs.ts';
import { auditWarehouse } from './warehouse.ts';

const REF = `0x${'7'.repeat(32)}`;
const specs = eventSpecsOf(croupierConfig({ ...auditedDeployment, rpcUrl: 'http://localhost' }));

let folder: string;
let warehouse: Warehouse;
let deployments = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'croupier-warehouse-'));
  warehouse = await openChdbWarehouse({ path: join(folder, 'warehouse'), clock: systemClock });
  await ensureTables(warehouse, specs);
});
afterAll(async () => {
  await warehouse?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A stream of a deployment of its own, written as the indexer writes it. */
function createStream() {
  deployments += 1;
  const deployment = `0x${deployments.toString(16).padStart(32, '0')}`;
  let step = 0;
  const write = async (content: Partial<StepContent>): Promise<void> => {
    step += 1;
    const firstN = [100 * step, 100 * step, 100 * step, 100 * step];
    const base = { deployment, epoch: 1, step, kind: 'apply', firstN, events: [] } as const;
    const rows = rowsOf({ ...base, toBlock: 0, toHash: '0x', ...content }, specs);
    for (const table of tablesOf(specs)) {
      const own = rows.get(table.name);
      const deduplicationToken = `${deployment}:${content.epoch ?? 1}:${step}:${table.name}`;
      if (own) await warehouse.insert({ table, rows: own, deduplicationToken });
    }
  };
  const auditStream = async (logs: readonly ChainLog[]) => {
    const mismatches = createMismatches();
    const query = (sql: string) => warehouse.query<Record<string, unknown>>(sql);
    const result = await auditWarehouse({ query, deployment, logs }, mismatches);
    return { ...result, mismatches: mismatches.list };
  };
  return { write, auditStream };
}

function threeLogs(): readonly ChainLog[] {
  const { log, logs } = createLogs();
  const limits = {
    topUp: '4',
    maxStake: '5',
    expiry: '6',
    grantNo: '1',
    grantHash: `0x${'8'.repeat(64)}`,
  };
  log('SeatFunded', { player: PLAYER, operator: OPERATOR, amount: '500', ...limits, n: '9' });
  const refs = { refBet: REF, refWin: REF };
  log('Played', { id: betId(0), player: PLAYER, stake: '10', payout: '25', ...refs });
  log('Credited', { id: betId(1), player: PLAYER, amount: '5', ref: REF });
  return logs;
}

const finality = (toBlock: number): Partial<StepContent> => ({ kind: 'finality', toBlock });

test('what is as in the logs, also after a reorg there and back, has no mismatch', async () => {
  const logs = threeLogs();
  const { write, auditStream } = createStream();
  const orphan = { ...logs[1], blockHash: `0x${'9'.repeat(64)}` } as ChainLog;
  await write({ events: logs.slice(0, 2) });
  await write({ kind: 'retract', events: logs.slice(1, 2) });
  await write({ events: [orphan] });
  await write({ kind: 'retract', events: [orphan] });
  await write({ events: logs.slice(1) });
  await write(finality(3));
  const { mismatches, events, finalBlock } = await auditStream(logs);
  expect(mismatches).toEqual([]);
  expect(finalBlock).toBe(3);
  expect(events).toEqual(new Set(logs.map(({ id }) => id)));
});

test('a higher epoch is what counts', async () => {
  const logs = threeLogs();
  const { write, auditStream } = createStream();
  await write({ events: [...logs, ...logs] });
  await write(finality(3));
  await write({ epoch: 2, events: logs });
  await write({ epoch: 2, ...finality(3) });
  expect((await auditStream(logs)).mismatches).toEqual([]);
});

test('what is not final is left out', async () => {
  const logs = threeLogs();
  const { write, auditStream } = createStream();
  await write({ events: logs.slice(0, 2) });
  await write(finality(2));
  const { mismatches, events } = await auditStream(logs);
  expect(mismatches).toEqual([]);
  expect(events.size).toBe(2);
});

test.each<[string, (logs: readonly ChainLog[]) => ChainLog[], Partial<Mismatch>[]]>([
  [
    'another amount',
    ([funded, played, credited]) =>
      [funded, { ...played, args: { ...played?.args, payout: '26' } }, credited] as ChainLog[],
    [{ field: 'payout', expected: '25', got: '26' }],
  ],
  [
    "another number of the contract's own",
    ([funded, ...others]) =>
      [{ ...funded, args: { ...funded?.args, n: '10' } }, ...others] as ChainLog[],
    [{ field: 'event_n', expected: '9', got: '10' }],
  ],
  [
    'a missing row',
    (logs) => logs.slice(0, 2),
    [
      { field: 'sum of sign', expected: '1', got: '0' },
      { key: 'final_bet_book_credited', field: 'rows', expected: '1', got: '0' },
    ],
  ],
  [
    'a row twice',
    (logs) => [...logs, ...logs.slice(2)],
    [
      { field: 'sum of sign', expected: '1', got: '2' },
      { key: 'final_bet_book_credited', field: 'rows', expected: '1', got: '2' },
    ],
  ],
  [
    'a row that never was',
    (logs) => [...logs, { ...logs[2], logIndex: 7 } as ChainLog],
    [
      { field: 'sum of sign', expected: '0', got: '1' },
      { key: 'final_bet_book_credited', field: 'rows', expected: '1', got: '2' },
    ],
  ],
])('%s is named', async (_, written, expected) => {
  const logs = threeLogs();
  const { write, auditStream } = createStream();
  await write({ events: written(logs) });
  await write(finality(3));
  const { mismatches } = await auditStream(logs);
  expect(mismatches).toEqual(
    expected.map((mismatch) => expect.objectContaining({ store: 'warehouse', ...mismatch })),
  );
});
