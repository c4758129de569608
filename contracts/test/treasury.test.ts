import { type Address, encodeDeployData, getAddress } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allowTypedData, permitTypedData, withdrawTypedData } from '../encoding/grant.ts';
import { account, CHAIN_ID, errorOf, startChain, type TestChain, ZERO_ADDRESS } from './chain.ts';

const player = account(5);
const stranger = account(6);

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());

const available = (address: Address) =>
  chain.publicClient.readContract({
    ...chain.treasury,
    functionName: 'available',
    args: [address],
  });

const balanceOf = (address: Address) =>
  chain.publicClient.readContract({ ...chain.token, functionName: 'balanceOf', args: [address] });

const inFuture = async (seconds = 600) => (await chain.nowS()) + seconds;

async function signedPermit(value: bigint, deadline: bigint) {
  const nonce = await chain.publicClient.readContract({
    ...chain.token,
    functionName: 'nonces',
    args: [player.address],
  });
  return player.signTypedData(
    permitTypedData({
      chainId: 31829,
      token: chain.token.address,
      tokenName: 'Mock Token',
      tokenVersion: '1',
      owner: player.address,
      spender: chain.treasury.address,
      value,
      nonce,
      deadline,
    }),
  );
}

test('a deposit by permit counts, also when somebody else sent the permit first', async () => {
  const deadline = BigInt(await inFuture());
  const wallet = chain.walletOf(stranger);
  await wallet.writeContract({
    ...chain.token,
    functionName: 'mint',
    args: [player.address, 1_000n],
  });
  for (const thief of [false, true]) {
    const before = await available(player.address);
    const signature = await signedPermit(300n, deadline);
    if (thief) {
      await wallet.writeContract({
        ...chain.token,
        functionName: 'permit',
        args: [
          player.address,
          chain.treasury.address,
          300n,
          deadline,
          Number(`0x${signature.slice(130)}`),
          `0x${signature.slice(2, 66)}`,
          `0x${signature.slice(66, 130)}`,
        ],
      });
    }
    await wallet.writeContract({
      ...chain.treasury,
      functionName: 'depositWithPermit',
      args: [player.address, 300n, deadline, signature],
    });
    expect((await available(player.address)) - before).toBe(300n);
  }
  expect(await balanceOf(player.address)).toBe(400n);
});

test('without a permit and an approval nothing is taken', async () => {
  const deadline = BigInt(await inFuture());
  const signature = await stranger.signTypedData(
    permitTypedData({
      chainId: 31829,
      token: chain.token.address,
      tokenName: 'Mock Token',
      tokenVersion: '1',
      owner: player.address,
      spender: chain.treasury.address,
      value: 100n,
      nonce: 2n,
      deadline,
    }),
  );
  const call = chain.publicClient.simulateContract({
    ...chain.treasury,
    functionName: 'depositWithPermit',
    args: [player.address, 100n, deadline, signature],
    account: stranger,
  });
  expect(await errorOf(call)).toBe('ERC20InsufficientAllowance');
});

test('a player withdraws at once, in person or by signature, and no signature counts twice', async () => {
  const { publicClient, treasury } = chain;
  const to = account(7).address;
  await chain.provide(player, 500n);
  const before = await available(player.address);
  await chain.walletOf(player).writeContract({
    ...treasury,
    functionName: 'withdraw',
    args: [to, 100n],
  });
  const nonce = await publicClient.readContract({
    ...treasury,
    functionName: 'withdrawNonce',
    args: [player.address],
  });
  const deadline = await inFuture();
  const values = {
    chainId: 31829,
    treasury: treasury.address,
    player: player.address,
    to,
    amount: 50n,
    nonce,
    deadline,
  };
  const submit = (signature: `0x${string}`, change: Partial<typeof values> = {}) => {
    const sent = { ...values, ...change };
    return {
      ...treasury,
      functionName: 'withdrawBySig',
      args: [player.address, sent.to, sent.amount, sent.nonce, sent.deadline, signature],
      account: stranger,
    } as const;
  };
  const signature = await player.signTypedData(withdrawTypedData(values));
  for (const change of [{ to: stranger.address }, { amount: 51n }, { deadline: deadline + 1 }]) {
    expect(await errorOf(publicClient.simulateContract(submit(signature, change)))).toBe(
      'SignatureInvalid',
    );
  }
  for (const change of [{ chainId: 1 }, { treasury: chain.betBook.address }]) {
    const other = await player.signTypedData(withdrawTypedData({ ...values, ...change }));
    expect(await errorOf(publicClient.simulateContract(submit(other)))).toBe('SignatureInvalid');
  }
  await chain.walletOf(stranger).writeContract(submit(signature));
  expect(await available(player.address)).toBe(before - 150n);
  expect(await balanceOf(to)).toBe(150n);
  expect(await errorOf(publicClient.simulateContract(submit(signature)))).toBe('NonceMismatch');
  const late = await player.signTypedData(
    withdrawTypedData({ ...values, nonce: nonce + 1n, deadline: 1 }),
  );
  expect(
    await errorOf(publicClient.simulateContract(submit(late, { nonce: nonce + 1n, deadline: 1 }))),
  ).toBe('DeadlinePassed');
});

test('a client pulls only what was allowed to it, until then, and gives back', async () => {
  const { publicClient, treasury } = chain;
  const client = account(8);
  const wallet = chain.walletOf(client);
  await chain.provide(player, 500n);
  const pull = (amount: bigint, as = client) => ({
    ...treasury,
    functionName: 'pull' as const,
    args: [player.address, amount] as const,
    account: as,
  });
  expect(await errorOf(publicClient.simulateContract(pull(1n)))).toBe('AllowanceExpired');

  const allowing = { expiry: await inFuture(100), nonce: 0, deadline: await inFuture() };
  const allow = { chainId: 31829, treasury: treasury.address, client: client.address, amount: 70n };
  const signature = await player.signTypedData(allowTypedData({ ...allow, allowing }));
  const submit = (amount: bigint) => ({
    ...treasury,
    functionName: 'allowBySig' as const,
    args: [player.address, client.address, { amount, ...allowing }, signature] as const,
    account: stranger,
  });
  expect(await errorOf(publicClient.simulateContract(submit(71n)))).toBe('SignatureInvalid');
  const late = { ...allowing, deadline: allowing.deadline * 100 };
  const sentLate = [player.address, client.address, { amount: 70n, ...late }, signature] as const;
  expect(await chain.treasury.refusal(stranger.address, 'allowBySig', sentLate)).toBe(
    'TimeNotInSeconds',
  );
  await chain.walletOf(stranger).writeContract(submit(70n));
  expect(await errorOf(publicClient.simulateContract(submit(70n)))).toBe('NonceMismatch');

  expect(await errorOf(publicClient.simulateContract(pull(71n)))).toBe('AllowanceShort');
  expect(await errorOf(publicClient.simulateContract(pull(1n, stranger)))).toBe('AllowanceExpired');
  const before = await available(player.address);
  await wallet.writeContract(pull(60n));
  expect(await available(player.address)).toBe(before - 60n);
  expect(await errorOf(publicClient.simulateContract(pull(11n)))).toBe('AllowanceShort');

  const push = (amounts: readonly bigint[]) => ({
    ...treasury,
    functionName: 'pushMany' as const,
    args: [[player.address, stranger.address], amounts] as const,
    account: client,
  });
  expect(await errorOf(publicClient.simulateContract(push([50n, 11n])))).toBe('ClientShort');
  expect(await errorOf(publicClient.simulateContract(push([50n])))).toBe('LengthsDiffer');
  await wallet.writeContract(push([50n, 10n]));
  expect(await available(player.address)).toBe(before - 10n);
  expect(await available(stranger.address)).toBe(10n);

  await chain.passTime(200);
  expect(await errorOf(publicClient.simulateContract(pull(1n)))).toBe('AllowanceExpired');
  const inMilliseconds = {
    ...treasury,
    functionName: 'allow' as const,
    args: [client.address, 1n, (await chain.nowS()) * 100] as const,
    account: player,
  };
  expect(await errorOf(publicClient.simulateContract(inMilliseconds))).toBe('TimeNotInSeconds');
});

test('a token that moves another amount, lies or calls back changes nothing', async () => {
  const { testTokenAbi, testTokenBytecode } = await import('../generated/test/testToken.ts');
  const { treasuryBytecode } = await import('../generated/treasury.ts');
  const { publicClient } = chain;
  const wallet = chain.walletOf(player);
  const create = async (data: `0x${string}`) => {
    const hash = await wallet.sendTransaction({ data });
    const { contractAddress } = await publicClient.getTransactionReceipt({ hash });
    return getAddress(contractAddress ?? '0x');
  };
  const token = {
    address: await create(encodeDeployData({ abi: testTokenAbi, bytecode: testTokenBytecode })),
    abi: testTokenAbi,
  };
  const treasury = {
    address: await create(
      encodeDeployData({
        abi: chain.treasury.abi,
        bytecode: treasuryBytecode,
        args: [token.address],
      }),
    ),
    abi: chain.treasury.abi,
  };
  await wallet.writeContract({ ...token, functionName: 'mint', args: [player.address, 1_000n] });
  await wallet.writeContract({ ...token, functionName: 'approve', args: [treasury.address, 900n] });
  const deposit = {
    ...treasury,
    functionName: 'deposit' as const,
    args: [player.address, 100n] as const,
    account: player,
  };
  const withdraw = {
    ...treasury,
    functionName: 'withdraw' as const,
    args: [player.address, 100n] as const,
    account: player,
  };
  await wallet.writeContract(deposit);
  const expectations = [
    [1, 'TokenMovedOther'],
    [2, 'TokenMovedOther'],
    [3, 'SafeERC20FailedOperation'],
    [4, 'ReentrancyGuardReentrantCall'],
  ] as const;
  for (const [mode, error] of expectations) {
    await wallet.writeContract({ ...token, functionName: 'setMode', args: [mode] });
    expect(await errorOf(publicClient.simulateContract(deposit))).toBe(error);
    expect(await errorOf(publicClient.simulateContract(withdraw))).toBe(error);
  }
  await wallet.writeContract({ ...token, functionName: 'setMode', args: [0] });
  await wallet.writeContract(withdraw);
  expect(await publicClient.readContract({ ...treasury, functionName: 'solvency' })).toEqual([
    0n,
    0n,
  ]);
  const toItself = { ...withdraw, args: [treasury.address, 100n] as const };
  await wallet.writeContract(deposit);
  expect(await errorOf(publicClient.simulateContract(toItself))).toBe('TokenMovedOther');
});

test('amounts of zero, and more than 96 bits in all, are refused', async () => {
  const { publicClient } = chain;
  await chain.walletOf(player).writeContract({
    ...chain.token,
    functionName: 'mint',
    args: [player.address, 2n ** 96n],
  });
  await chain.walletOf(player).writeContract({
    ...chain.token,
    functionName: 'approve',
    args: [chain.treasury.address, 2n ** 96n],
  });
  const deposit = (amount: bigint) =>
    publicClient.simulateContract({
      ...chain.treasury,
      functionName: 'deposit',
      args: [player.address, amount],
      account: player,
    });
  expect(await errorOf(deposit(0n))).toBe('AmountZero');
  expect(await errorOf(deposit(2n ** 96n - 1n))).toBe('TotalExceeded');
});

test('a signature and an allowance count to the second', async () => {
  const { treasury } = chain;
  const client = account(9).address;
  const to = stranger.address;
  await chain.provide(player, 100n);
  const deadline = await inFuture(20);
  const nonce = await treasury.read('withdrawNonce', [player.address]);
  const withdrawal = { player: player.address, to, amount: 1n, nonce, deadline };
  const signature = await player.signTypedData(
    withdrawTypedData({ chainId: CHAIN_ID, treasury: treasury.address, ...withdrawal }),
  );
  const call = [player.address, to, 1n, nonce, deadline, signature] as const;
  await chain.mineAt(deadline);
  expect(await treasury.refusal(to, 'withdrawBySig', call)).toBe('no error');
  await chain.mineAt(deadline + 1);
  expect(await treasury.refusal(to, 'withdrawBySig', call)).toBe('DeadlinePassed');

  const expiry = await inFuture(20);
  await treasury.send(player.address, 'allow', [client, 10n, expiry]);
  await chain.mineAt(expiry - 1);
  expect(await treasury.refusal(client, 'pull', [player.address, 1n])).toBe('no error');
  await chain.mineAt(expiry);
  expect(await treasury.refusal(client, 'pull', [player.address, 1n])).toBe('AllowanceExpired');
});

test('nobody signs for the zero address', async () => {
  const { treasury, token } = chain;
  await token.send(stranger.address, 'mint', [stranger.address, 5n]);
  await token.send(stranger.address, 'approve', [treasury.address, 5n]);
  await treasury.send(stranger.address, 'deposit', [ZERO_ADDRESS, 5n]);
  const deadline = await inFuture();
  for (const signature of ['0x', `0x${'00'.repeat(65)}`, `0x${'11'.repeat(64)}1d`] as const) {
    const call = [ZERO_ADDRESS, stranger.address, 5n, 0n, deadline, signature] as const;
    expect(await treasury.refusal(stranger.address, 'withdrawBySig', call)).toBe(
      'SignatureInvalid',
    );
  }
});

test('a new allowance replaces the old one', async () => {
  const client = account(9).address;
  const expiry = await inFuture();
  await chain.treasury.send(player.address, 'allow', [client, 10n, expiry]);
  await chain.treasury.send(player.address, 'allow', [client, 4n, expiry]);
  const [amount] = await chain.treasury.read('allowance', [player.address, client]);
  expect(amount).toBe(4n);
});

test('solvency shows what is held and what is owed; a donation is nobody’s', async () => {
  const { treasury, token } = chain;
  const [held, owed] = await treasury.read('solvency', []);
  await token.send(stranger.address, 'mint', [treasury.address, 7n]);
  expect(await treasury.read('solvency', [])).toEqual([held + 7n, owed]);
});
