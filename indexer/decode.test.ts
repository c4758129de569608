import { type Abi, encodeAbiParameters, encodeEventTopics, type Hex, parseAbi } from 'viem';
import { expect, test } from 'vitest';
import { createConfig } from './config.ts';
import { createDecoder, type RpcLog } from './decode.ts';
import { eventSpecsOf } from './events.ts';

const ADDRESS = `0x${'ab'.repeat(20)}` as const;
const BLOCK = { number: 7, hash: `0x${'01'.repeat(32)}` as Hex, timestampS: 1_700_000_000 };
const abi = parseAbi([
  'event Sample(address indexed player, uint96 amount, bytes8 round, bool bonded, int24 delta, uint64 n)',
]);

function specsOf(anAbi: Abi) {
  return eventSpecsOf(
    createConfig({
      chains: { main: { id: 1, rpc: 'http://localhost' } },
      contracts: {
        OddBook: {
          chain: 'main',
          abi: anAbi,
          address: ADDRESS.toUpperCase().replace('X', 'x') as Hex,
          startBlock: 0,
        },
      },
    }),
  );
}

function sampleLog(change: Partial<RpcLog> = {}): RpcLog {
  const values = [2n ** 96n - 1n, '0x0102030405060708', true, -5, 9n] as const;
  const types = ['uint96', 'bytes8', 'bool', 'int24', 'uint64'].map((type) => ({ type }));
  return {
    address: ADDRESS,
    topics: encodeEventTopics({ abi, args: { player: ADDRESS } }) as Hex[],
    data: encodeAbiParameters(types, values),
    blockNumber: '0x7',
    blockHash: BLOCK.hash,
    transactionHash: `0x${'02'.repeat(32)}`,
    logIndex: '0x3',
    ...change,
  };
}

test('a log becomes an event with arguments as text', () => {
  expect(createDecoder(specsOf(abi)).decode(sampleLog(), BLOCK)).toEqual({
    contract: 'odd_book',
    event: 'Sample',
    args: {
      player: ADDRESS,
      amount: '79228162514264337593543950335',
      round: '0x0102030405060708',
      bonded: true,
      delta: '-5',
      n: '9',
    },
    blockNumber: 7,
    blockHash: BLOCK.hash,
    blockTime: 1_700_000_000,
    txHash: `0x${'02'.repeat(32)}`,
    logIndex: 3,
  });
});

test('its table has the types of the design, and no two columns of one name', () => {
  const [spec] = specsOf(abi);
  expect(spec?.table.name).toBe('odd_book_sample');
  expect(spec?.table.columns.slice(10)).toEqual([
    { name: 'player', type: 'String' },
    { name: 'amount', type: 'Int256' },
    { name: 'round', type: 'String' },
    { name: 'bonded', type: 'Bool' },
    { name: 'delta', type: 'Int256' },
    { name: 'event_n', type: 'UInt64' },
  ]);
});

test.for([
  ['another address', { address: `0x${'cd'.repeat(20)}` }],
  ['another event', { topics: [`0x${'cd'.repeat(32)}`] }],
  ['a topic too few', { topics: sampleLog().topics.slice(0, 1) }],
  ['a byte too much', { data: `${sampleLog().data}00` }],
  ['a value above its type', { data: `0x${'f'.repeat(64)}${sampleLog().data.slice(66)}` }],
  ['bytes behind bytes8', { data: sampleLog().data.replace('0708', '0708ff') as Hex }],
  ['no transaction', { transactionHash: null }],
] satisfies [string, Partial<RpcLog>][])('a log with %s is refused', ([, change]) => {
  expect(() => createDecoder(specsOf(abi)).decode(sampleLog(change), BLOCK)).toThrow(
    expect.objectContaining({ code: 'INDEXER_LOG_MALFORMED' }),
  );
});

test('what cannot be stored is refused with a sentence', () => {
  expect(() => specsOf(parseAbi(['event Note(string text)']))).toThrow(
    'got an argument of type string at contracts.OddBook: Note.text',
  );
});
