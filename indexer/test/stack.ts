import assert from 'node:assert/strict';
import path from 'node:path';
import { CHAIN_TOPIC, type ChainMessage } from '../../contracts/encoding/message.ts';
import type { Bus } from '../../platform/bus/bus.ts';
import { openSqliteBus } from '../../platform/bus/sqlite.ts';
import { systemClock } from '../../platform/clock.ts';
import { type Crash, noCrash } from '../../platform/crash.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { openSqliteJournal } from '../../platform/journal/sqlite.ts';
import { openChdbWarehouse } from '../../platform/warehouse/chdb.ts';
import type { Warehouse } from '../../platform/warehouse/warehouse.ts';
import { croupierConfig } from '../config.ts';
import { CHAIN_STREAM, type IndexedDeployment, type Notice } from '../context.ts';
import { eventSpecsOf } from '../events.ts';
import { createIndexer, type Indexer, type IndexerEnd } from '../indexer.ts';
import { type IndexerDatabase, indexerMigrations } from '../schema.ts';
import { type ExpectedEvent, FINALITY_BLOCKS, type TestDeployment } from './chain.ts';

export const PARTITIONS = 4;
const WAIT_MS = 30_000;

export interface TestStack {
  readonly indexer: Indexer;
  readonly journal: Journal<IndexerDatabase>;
  readonly warehouse: Warehouse;
  readonly bus: Bus;
  readonly notices: Notice[];
  readonly ends: IndexerEnd[];
  close(): Promise<void>;
}

export interface StackArgs {
  readonly folder: string;
  readonly deployment: Pick<TestDeployment, 'treasury' | 'betBook'> & {
    readonly indexed: IndexedDeployment;
  };
  readonly rpcUrl: string;
  readonly wsUrl?: string;
  readonly crash?: Crash;
  readonly devChain?: boolean;
  readonly mineWhenIdle?: boolean;
  /** Stands between the indexer and the real warehouse. */
  readonly faulty?: (warehouse: Warehouse) => Warehouse;
  /** Stands between the indexer and the real journal. */
  readonly faultyJournal?: (journal: Journal<IndexerDatabase>) => Journal<IndexerDatabase>;
}

/** An indexer with its real parts on the folder; started. */
export async function startStack(args: StackArgs): Promise<TestStack> {
  const clock = systemClock;
  const journal = await openSqliteJournal<IndexerDatabase>({
    path: path.join(args.folder, 'indexer.sqlite'),
    migrations: indexerMigrations,
    clock,
  });
  const bus = await openSqliteBus({ path: path.join(args.folder, 'bus.sqlite'), clock });
  const warehouse = await openChdbWarehouse({ path: path.join(args.folder, 'warehouse'), clock });
  const notices: Notice[] = [];
  const ends: IndexerEnd[] = [];
  const indexer = createIndexer({
    stream: CHAIN_STREAM,
    config: configOf(args),
    deployment: args.deployment.indexed,
    journal: args.faultyJournal?.(journal) ?? journal,
    warehouse: args.faulty?.(warehouse) ?? warehouse,
    bus,
    partitions: PARTITIONS,
    finality: { depth: FINALITY_BLOCKS },
    devChain: args.devChain ?? true,
    mineWhenIdle: args.mineWhenIdle ?? false,
    holder: 'test',
    clock,
    crash: args.crash ?? noCrash,
    onNotice: (notice) => notices.push(notice),
    onEnd: (end) => ends.push(end),
  });
  async function close(): Promise<void> {
    await indexer.stop();
    await warehouse.close();
    await bus.close();
    await journal.close();
  }
  try {
    await indexer.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { indexer, journal, warehouse, bus, notices, ends, close };
}

function configOf(args: StackArgs) {
  return croupierConfig({
    chainId: args.deployment.indexed.chainId,
    rpcUrl: args.rpcUrl,
    ...(args.wsUrl === undefined ? {} : { wsUrl: args.wsUrl }),
    treasury: args.deployment.treasury,
    betBook: args.deployment.betBook,
    deployedBlock: args.deployment.indexed.deployedBlock,
  });
}

/** Polls until `condition` holds; its last answer is in the error when it never does. */
export async function waitUntil(what: string, condition: () => unknown): Promise<void> {
  const untilMs = Date.now() + WAIT_MS;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > untilMs) throw new Error(`got no end of waiting for ${what}`);
    await systemClock.sleep(20);
  }
}

/** Waits until everything up to `block` is in both sinks. */
export async function waitDelivered(stack: TestStack, block: number): Promise<void> {
  await waitUntil(`block ${block} in both sinks: ${JSON.stringify(stack.indexer.status())}`, () => {
    const { indexedBlock, sinks, state } = stack.indexer.status();
    if (state !== 'running') throw new Error(`got ${JSON.stringify(stack.indexer.status())}`);
    const isDelivered = sinks.warehouse.behindSteps === 0 && sinks.bus.behindSteps === 0;
    return indexedBlock >= block && isDelivered;
  });
}

/** Every message of the topic, without repetitions of the same n, by partition in order. */
export async function readBus(
  bus: Bus,
  deployment: string,
  epoch: number,
): Promise<ChainMessage[]> {
  const all: ChainMessage[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const end = await bus.endOffset(CHAIN_TOPIC, partition);
    let last = 0;
    for (let offset = 0; offset < end; ) {
      const read = await bus.read({ topic: CHAIN_TOPIC, partition, offset, max: 1_000, waitMs: 0 });
      offset += read.length;
      for (const { headers, value, key } of read) {
        if (headers.deployment !== deployment || Number(headers.epoch) !== epoch) continue;
        const message = JSON.parse(value) as ChainMessage;
        assert.equal(headers.n, String(message.n));
        assert.equal(headers.id, message.id);
        assert.equal(headers.type, message.type);
        assert.ok(key.length > 0);
        if (message.n <= last) continue;
        assert.equal(message.n, last + 1, `n of partition ${partition}`);
        last = message.n;
        all.push(message);
      }
    }
  }
  return all;
}

/**
 * Holds both sinks against the chain itself: every event of it counts exactly once, nothing else
 * does, and every argument is what viem reads from the log.
 */
export async function assertSinks(
  stack: TestStack,
  expected: readonly ExpectedEvent[],
  args: { deployment: string; epoch: number },
): Promise<void> {
  const messages = await readBus(stack.bus, args.deployment, args.epoch);
  const live = new Map<string, Extract<ChainMessage, { event: string }>>();
  for (const message of messages) {
    if (message.type === 'finality') continue;
    const key = message.id.split(':').slice(1).join(':');
    assert.equal(live.has(key), message.sign === -1, `${message.id} with sign ${message.sign}`);
    if (message.sign === 1) live.set(key, message);
    else live.delete(key);
  }
  assert.deepEqual([...live.keys()].toSorted(), expected.map((event) => event.key).toSorted());
  const rows = await netRows(stack, args);
  assert.deepEqual([...rows.keys()].toSorted(), expected.map((event) => event.key).toSorted());
  for (const event of expected) {
    const message = live.get(event.key);
    assert.deepEqual(message?.args, event.args);
    assert.equal(message?.event, event.event);
    assert.equal(message?.contract, event.contract);
    assert.equal(message?.blockNumber, event.blockNumber);
    assert.equal(message?.txHash, event.txHash);
    const row = rows.get(event.key);
    assert.equal(row?.tx_hash, event.txHash);
    assert.deepEqual(row && comparable(row), comparable(event.args), event.event);
  }
}

/** The values of the event's own columns, as text, in the order of the columns. */
function comparable(values: Record<string, unknown>): string[] {
  const base = ['deployment', 'epoch', 'block_hash', 'log_index', 'tx_hash', 'net'];
  return Object.entries(values)
    .filter(([name]) => !base.includes(name))
    .map(([, value]) => String(value));
}

/** Rows that count, by block hash and log index: the event's own columns. */
async function netRows(
  stack: TestStack,
  args: { deployment: string; epoch: number },
): Promise<Map<string, Record<string, unknown>>> {
  const specs = eventSpecsOf(
    croupierConfig({
      chainId: 1,
      rpcUrl: 'http://localhost',
      treasury: `0x${'0'.repeat(40)}`,
      betBook: `0x${'0'.repeat(40)}`,
      deployedBlock: 0,
    }),
  );
  const rows = new Map<string, Record<string, unknown>>();
  for (const spec of specs) {
    const columns = spec.inputs.map((input) => input.column);
    const keys = ['block_hash', 'log_index', 'tx_hash', ...columns].join(', ');
    const found = await stack.warehouse.query<Record<string, unknown>>(
      `SELECT ${keys}, sum(sign) AS net FROM ${spec.table.name}
WHERE deployment = {deployment:String} AND epoch = {epoch:UInt32} GROUP BY ${keys} HAVING net != 0`,
      args,
    );
    for (const row of found) {
      assert.equal(Number(row.net), 1, `${spec.table.name} ${row.block_hash} ${row.log_index}`);
      rows.set(`${row.block_hash}:${row.log_index}`, row);
    }
  }
  return rows;
}
