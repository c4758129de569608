import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChain, type TestChain } from './chain.ts';

/** EIP-170. */
const RUNTIME_BYTES_MAX = 24_576;

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());

test('deployment registers an operator, opens a bank and funds it', async () => {
  const { publicClient, betBook, contracts, registered } = chain;
  const bank = await publicClient.readContract({ ...betBook, functionName: 'bank', args: [1] });
  expect(registered).toEqual({
    operator: chain.admin.address.toLowerCase(),
    operatorNo: 1,
    bank: 1,
  });
  expect(bank).toEqual({
    operatorNo: 1,
    admin: chain.admin.address,
    bankroll: 1_000_000n,
    reserved: 0n,
    locked: 0n,
  });
  const block = await publicClient.getBlock({ blockNumber: BigInt(contracts.deployedBlock) });
  expect(block.hash).toBe(contracts.deployedBlockHash);
});

test('runtime code fits in EIP-170', async () => {
  for (const address of [chain.contracts.betBook, chain.contracts.treasury]) {
    const code = (await chain.publicClient.getCode({ address })) ?? '0x';
    const bytes = (code.length - 2) / 2;
    console.log(`runtime code of ${address}: ${bytes} bytes`);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(RUNTIME_BYTES_MAX);
  }
});
