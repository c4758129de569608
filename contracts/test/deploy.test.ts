import { afterAll, beforeAll, expect, test } from 'vitest';
import { BANKROLL, LIMITS, startChain, type TestChain } from './chain.ts';

/** EIP-170. */
const RUNTIME_BYTES_MAX = 24_576;

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());

test('deployment registers an operator, opens a bank and funds it', async () => {
  const { publicClient, contracts, registered } = chain;
  expect(registered).toEqual({
    operator: chain.admin.address.toLowerCase(),
    operatorNo: 1,
    bank: 1,
  });
  expect(await chain.bankOf(1)).toMatchObject({
    operatorNo: 1,
    admin: chain.admin.address,
    payout: chain.admin.address,
    bankroll: BANKROLL,
  });
  expect(await chain.betBook.read('limits', [1])).toEqual(LIMITS);
  const block = await publicClient.getBlock({ blockNumber: BigInt(contracts.deployedBlock) });
  expect(block.hash).toBe(contracts.deployedBlockHash);
});

test('runtime code fits in EIP-170', async () => {
  const desk = await chain.betBook.read('desk', []);
  const { betBook, treasury } = chain.contracts;
  for (const [name, address] of Object.entries({ betBook, desk, treasury })) {
    const code = (await chain.publicClient.getCode({ address })) ?? '0x';
    const bytes = (code.length - 2) / 2;
    console.log(`runtime code of ${name}: ${bytes} bytes`);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(RUNTIME_BYTES_MAX);
  }
});
