import { type AbiEvent, type Address, type Hex, toEventSelector } from 'viem';
import { CroupierError } from '../platform/errors.ts';
import type { ColumnType, TableDefinition } from '../platform/warehouse/warehouse.ts';
import { checkConfig, type IndexerConfig } from './config.ts';
import { snakeCase } from './snakeCase.ts';

/** One argument of an event: how it is decoded and where it stands in the warehouse. */
export interface EventInput {
  readonly name: string;
  readonly type: string;
  readonly indexed: boolean;
  readonly column: string;
  readonly columnType: ColumnType;
}

/** One event of one configured contract, and its table. */
export interface EventSpec {
  /** In snake case: `bet_book`. */
  readonly contract: string;
  readonly address: Address;
  readonly startBlock: number;
  /** Solidity name. */
  readonly event: string;
  readonly topic: Hex;
  readonly inputs: readonly EventInput[];
  readonly table: TableDefinition;
}

/** An event of the chain as a step holds it. */
export interface IndexedEvent {
  readonly contract: string;
  readonly event: string;
  /** Integers as decimal strings, bytes and addresses as lower-case hex, booleans as they are. */
  readonly args: Readonly<Record<string, string | boolean>>;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  /** Seconds since the Unix epoch. */
  readonly blockTime: number;
  readonly txHash: Hex;
  readonly logIndex: number;
}

/** Columns that every event table begins with. */
const BASE_COLUMNS: TableDefinition['columns'] = [
  { name: 'deployment', type: 'String' },
  { name: 'epoch', type: 'UInt32' },
  { name: 'step', type: 'UInt64' },
  { name: 'n', type: 'UInt64' },
  { name: 'sign', type: 'Int8' },
  { name: 'block_number', type: 'UInt64' },
  { name: 'block_hash', type: 'String' },
  { name: 'block_time', type: 'DateTime' },
  { name: 'tx_hash', type: 'String' },
  { name: 'log_index', type: 'UInt32' },
];
const BASE_NAMES = new Set(BASE_COLUMNS.map((column) => column.name));
const ORDER_BY = ['deployment', 'epoch', 'step', 'n', 'log_index'];

/**
 * Every event of every configured contract.
 * @throws CroupierError `INDEXER_CONFIG_UNSUPPORTED` (final), also for an event that is anonymous or
 * has an argument without a fixed width
 */
export function eventSpecsOf(config: IndexerConfig): EventSpec[] {
  checkConfig(config);
  return Object.entries(config.contracts).flatMap(([name, contract]) =>
    contract.abi
      .filter((item): item is AbiEvent => item.type === 'event')
      .map((event) => {
        const inputs = inputsOf(`contracts.${name}`, event);
        return {
          contract: snakeCase(name),
          address: contract.address.toLowerCase() as Address,
          startBlock: contract.startBlock,
          event: event.name,
          topic: toEventSelector(event),
          inputs,
          table: {
            name: `${snakeCase(name)}_${snakeCase(event.name)}`,
            columns: [
              ...BASE_COLUMNS,
              ...inputs.map((input) => ({ name: input.column, type: input.columnType })),
            ],
            orderBy: ORDER_BY,
          },
        };
      }),
  );
}

/** The identity of an event: the same in its retraction. */
export function eventIdOf(chainId: number, event: IndexedEvent): string {
  return `${chainId}:${event.blockHash}:${event.logIndex}`;
}

function inputsOf(path: string, event: AbiEvent): EventInput[] {
  if (event.anonymous) throw unsupported(`${path}: ${event.name}`, 'an anonymous event');
  return event.inputs.map((input, index) => {
    const name = input.name || `arg${index}`;
    const column = snakeCase(name);
    return {
      name,
      type: input.type,
      indexed: input.indexed === true,
      // The contracts' own counter is called n, as is the position in the stream.
      column: BASE_NAMES.has(column) ? `event_${column}` : column,
      columnType: columnTypeOf(`${path}: ${event.name}.${name}`, input.type),
    };
  });
}

function columnTypeOf(path: string, type: string): ColumnType {
  const bits = /^uint(\d+)$/.exec(type);
  if (bits) {
    const width = Number(bits[1]);
    if (width <= 8) return 'UInt8';
    if (width <= 16) return 'UInt16';
    if (width <= 32) return 'UInt32';
    if (width <= 64) return 'UInt64';
    // Money is uint96: signed, so that sums and differences of it are too.
    return width === 96 ? 'Int256' : 'UInt256';
  }
  if (/^int\d+$/.test(type)) return 'Int256';
  if (type === 'bool') return 'Bool';
  if (type === 'address' || /^bytes\d+$/.test(type)) return 'String';
  throw unsupported(path, `an argument of type ${type}`);
}

function unsupported(path: string, got: string): CroupierError {
  return new CroupierError({
    code: 'INDEXER_CONFIG_UNSUPPORTED',
    errorClass: 'final',
    message: `got ${got} at ${path}, expected a named event whose arguments all have a fixed width`,
    details: { key: path },
  });
}
