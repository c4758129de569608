import { encodeDeployData, getAddress, type Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  allowTypedData,
  grantTypedData,
  leaveTypedData,
  withdrawTypedData,
} from '../encoding/grant.ts';
import { account, CHAIN_ID, errorOf, LIMITS, startChain, type TestChain } from './chain.ts';

const stranger = account(6);

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());

/** A grant for (player, operator 1) that would be accepted now. */
async function freshGrant(player: Hex) {
  const { publicClient, treasury, betBook } = chain;
  const now = await chain.nowS();
  const [, , nonce] = await publicClient.readContract({
    ...treasury,
    functionName: 'allowance',
    args: [player, betBook.address],
  });
  const { grantNo } = await chain.seatOf(player);
  return {
    chainId: CHAIN_ID,
    treasury: treasury.address,
    betBook: betBook.address,
    grant: {
      operator: chain.registered.operator,
      buyIn: 300n,
      topUp: 200n,
      maxStake: 50n,
      expiry: now + 86_400,
      grantNo: grantNo + 1,
    },
    allowing: { expiry: now + 86_400, nonce, deadline: now + 600 },
  };
}

type SignedGrant = Awaited<ReturnType<typeof freshGrant>>;

const sitCall = (player: Hex, values: SignedGrant, signature: Hex) =>
  ({
    ...chain.betBook,
    functionName: 'sit',
    args: [player, values.grant, values.allowing, signature],
    account: stranger,
  }) as const;

test('a signed grant is sent by anyone, once, and only as it was signed', async () => {
  const { publicClient } = chain;
  const player = account(10);
  await chain.provide(player, 1_000n);
  const values = await freshGrant(player.address);
  const signature = await player.signTypedData(grantTypedData(values));
  const refusal = (changed: SignedGrant, signed: Hex) =>
    errorOf(publicClient.simulateContract(sitCall(player.address, changed, signed)));

  const { grant, allowing } = values;
  for (const changed of [
    { ...values, grant: { ...grant, buyIn: 301n } },
    { ...values, grant: { ...grant, topUp: 201n } },
    { ...values, grant: { ...grant, maxStake: 51n } },
    { ...values, grant: { ...grant, expiry: grant.expiry + 1 } },
    { ...values, allowing: { ...allowing, expiry: allowing.expiry + 1 } },
    { ...values, allowing: { ...allowing, deadline: allowing.deadline + 1 } },
  ]) {
    expect(await refusal(changed, signature)).toBe('SignatureInvalid');
  }
  for (const other of [
    { ...values, chainId: 1 },
    { ...values, treasury: chain.betBook.address },
    { ...values, betBook: chain.treasury.address },
    { ...values, allowing: { ...allowing, nonce: allowing.nonce + 1 } },
    { ...values, grant: { ...grant, grantNo: grant.grantNo + 1 } },
  ]) {
    expect(await refusal(values, await player.signTypedData(grantTypedData(other)))).toBe(
      'SignatureInvalid',
    );
  }
  expect(await refusal(values, await stranger.signTypedData(grantTypedData(values)))).toBe(
    'SignatureInvalid',
  );
  const resigned = async (changed: SignedGrant) =>
    refusal(changed, await player.signTypedData(grantTypedData(changed)));
  expect(await resigned({ ...values, allowing: { ...allowing, deadline: 1 } })).toBe(
    'DeadlinePassed',
  );
  // Hundredths of a second: milliseconds of today do not even fit in the field.
  const late = grant.expiry * 100;
  for (const change of [{ deadline: late }, { expiry: late }]) {
    expect(await resigned({ ...values, allowing: { ...allowing, ...change } })).toBe(
      'TimeNotInSeconds',
    );
  }
  expect(await resigned({ ...values, allowing: { ...allowing, nonce: allowing.nonce + 1 } })).toBe(
    'NonceMismatch',
  );
  expect(await resigned({ ...values, grant: { ...grant, grantNo: 2 } })).toBe('GrantNoMismatch');
  expect(
    await resigned({ ...values, grant: { ...grant, expiry: grant.expiry + 30 * 86_400 } }),
  ).toBe('ExpiryOutOfRange');
  expect(await resigned({ ...values, grant: { ...grant, expiry: 1 } })).toBe('ExpiryOutOfRange');
  expect(await resigned({ ...values, grant: { ...grant, operator: stranger.address } })).toBe(
    'OperatorUnknown',
  );

  await chain.walletOf(stranger).writeContract(sitCall(player.address, values, signature));
  expect(await chain.seatOf(player.address)).toEqual({
    balance: 300n,
    maxStake: 50n,
    expiry: grant.expiry,
    grantNo: 1,
  });
  expect(await refusal(values, signature)).toBe('SeatLive');
});

test('leaving takes the notice period, then anyone sweeps and the player withdraws', async () => {
  const { publicClient, betBook, treasury } = chain;
  const player = account(11);
  const { operator } = chain.registered;
  await chain.provide(player, 500n);
  const values = await freshGrant(player.address);
  const signature = await player.signTypedData(grantTypedData(values));
  await chain.walletOf(stranger).writeContract(sitCall(player.address, values, signature));

  const sweep = {
    ...betBook,
    functionName: 'sweep' as const,
    args: [player.address, operator] as const,
    account: stranger,
  };
  const leave = {
    ...betBook,
    functionName: 'leave' as const,
    args: [operator] as const,
    account: player,
  };
  expect(await errorOf(publicClient.simulateContract(sweep))).toBe('SeatLive');
  await chain.walletOf(player).writeContract(leave);
  const { expiry } = await chain.seatOf(player.address);
  expect(expiry).toBe((await chain.nowS()) + 60);
  await chain.passTime(30);
  await chain.walletOf(player).writeContract(leave);
  expect((await chain.seatOf(player.address)).expiry).toBe(expiry);
  expect(await errorOf(publicClient.simulateContract(sweep))).toBe('SeatLive');

  await chain.passTime(30);
  expect(await errorOf(publicClient.simulateContract(leave))).toBe('SeatNotLive');
  await chain.walletOf(stranger).writeContract(sweep);
  expect(await errorOf(publicClient.simulateContract(sweep))).toBe('SeatEmpty');
  await chain.walletOf(player).writeContract({
    ...treasury,
    functionName: 'withdraw',
    args: [player.address, 500n],
  });
  expect(
    await publicClient.readContract({
      ...chain.token,
      functionName: 'balanceOf',
      args: [player.address],
    }),
  ).toBe(500n);

  await chain.sit(player, 70n, 5n);
  expect(await chain.seatOf(player.address)).toMatchObject({
    balance: 70n,
    maxStake: 5n,
    grantNo: 2,
  });
});

test('a player without gas leaves by signature, of this grant only', async () => {
  const { publicClient, betBook } = chain;
  const player = account(12);
  const { operator } = chain.registered;
  await chain.sit(player, 100n, 10n);
  const values = {
    chainId: CHAIN_ID,
    betBook: betBook.address,
    player: player.address,
    operator,
    grantNo: 1,
    deadline: (await chain.nowS()) + 600,
  };
  const call = (sent: typeof values, signature: Hex) => ({
    ...betBook,
    functionName: 'leaveBySig' as const,
    args: [player.address, operator, sent.grantNo, sent.deadline, signature] as const,
    account: stranger,
  });
  const signature = await player.signTypedData(leaveTypedData(values));
  const refusal = (sent: typeof values, signed: Hex) =>
    errorOf(publicClient.simulateContract(call(sent, signed)));
  expect(await refusal({ ...values, deadline: 1 }, signature)).toBe('DeadlinePassed');
  expect(await refusal({ ...values, deadline: values.deadline * 100 }, signature)).toBe(
    'TimeNotInSeconds',
  );
  expect(await refusal({ ...values, deadline: values.deadline + 1 }, signature)).toBe(
    'SignatureInvalid',
  );
  expect(await refusal({ ...values, grantNo: 2 }, signature)).toBe('GrantNoMismatch');
  for (const change of [{ chainId: 1 }, { betBook: chain.treasury.address }]) {
    const other = await player.signTypedData(leaveTypedData({ ...values, ...change }));
    expect(await refusal(values, other)).toBe('SignatureInvalid');
  }
  await chain.walletOf(stranger).writeContract(call(values, signature));
  await chain.passTime(60);
  await chain.sit(player, 100n, 10n);
  expect(await refusal(values, signature)).toBe('GrantNoMismatch');
});

test('a contract account signs a grant by ERC-1271', async () => {
  const { testWalletAbi, testWalletBytecode } = await import('../generated/test/testWallet.ts');
  const { publicClient, treasury } = chain;
  const owner = account(13);
  const hash = await chain.walletOf(owner).sendTransaction({
    data: encodeDeployData({
      abi: testWalletAbi,
      bytecode: testWalletBytecode,
      args: [owner.address],
    }),
  });
  const receipt = await publicClient.getTransactionReceipt({ hash });
  const player = getAddress(receipt.contractAddress ?? '0x');
  await chain.walletOf(owner).writeContract({
    ...chain.token,
    functionName: 'mint',
    args: [player, 500n],
  });
  await chain.walletOf(owner).writeContract({
    address: player,
    abi: testWalletAbi,
    functionName: 'deposit',
    args: [treasury.address, 500n],
  });
  const values = await freshGrant(player);
  const wrong = await stranger.signTypedData(grantTypedData(values));
  expect(await errorOf(publicClient.simulateContract(sitCall(player, values, wrong)))).toBe(
    'SignatureInvalid',
  );
  const signature = await owner.signTypedData(grantTypedData(values));
  await chain.walletOf(stranger).writeContract(sitCall(player, values, signature));
  expect((await chain.seatOf(player)).balance).toBe(300n);

  // A grant only: by its owner's key it neither leaves, nor allows, nor withdraws.
  const { operator } = chain.registered;
  const deadline = (await chain.nowS()) + 600;
  const leave = { betBook: chain.betBook.address, player, operator, grantNo: 1, deadline };
  const allowing = { expiry: deadline, nonce: 0, deadline };
  const allow = { treasury: treasury.address, client: stranger.address, amount: 1n, allowing };
  const to = stranger.address;
  const withdrawal = { treasury: treasury.address, player, to, amount: 1n, nonce: 0n, deadline };
  const refusals = [
    await chain.betBook.refusal(to, 'leaveBySig', [
      player,
      operator,
      1,
      deadline,
      await owner.signTypedData(leaveTypedData({ chainId: CHAIN_ID, ...leave })),
    ]),
    await treasury.refusal(to, 'allowBySig', [
      player,
      to,
      { amount: 1n, ...allowing },
      await owner.signTypedData(allowTypedData({ chainId: CHAIN_ID, ...allow })),
    ]),
    await treasury.refusal(to, 'withdrawBySig', [
      player,
      to,
      1n,
      0n,
      deadline,
      await owner.signTypedData(withdrawTypedData({ chainId: CHAIN_ID, ...withdrawal })),
    ]),
  ];
  expect(refusals).toEqual(['SignatureInvalid', 'SignatureInvalid', 'SignatureInvalid']);
});

test('a grant ends after now and within 30 days, to the second', async () => {
  const player = account(14);
  await chain.provide(player, 100n);
  const nowS = (await chain.nowS()) + 10;
  await chain.mineAt(nowS);
  const refusal = (expiry: number) => {
    const { operator } = chain.registered;
    const grant = { operator, buyIn: 100n, topUp: 0n, maxStake: 5n, expiry, grantNo: 1 };
    return chain.betBook.refusal(player.address, 'sit', [grant]);
  };
  expect(await refusal(nowS)).toBe('ExpiryOutOfRange');
  expect(await refusal(nowS + 1)).toBe('no error');
  expect(await refusal(nowS + 30 * 86_400)).toBe('no error');
  expect(await refusal(nowS + 30 * 86_400 + 1)).toBe('ExpiryOutOfRange');
});

test('a new grant adds to what is in the ended seat, and its limit per bet counts', async () => {
  const player = account(15);
  await chain.sit(player, 100n, 10n);
  await chain.betBook.send(player.address, 'leave', [chain.registered.operator]);
  await chain.passTime(60);
  await chain.sit(player, 50n, 7n);
  expect(await chain.seatOf(player.address)).toMatchObject({
    balance: 150n,
    maxStake: 7n,
    grantNo: 2,
  });
});

test('a signed leave counts until the end of its second', async () => {
  const player = account(16);
  const { operator } = chain.registered;
  await chain.sit(player, 100n, 10n);
  const deadline = (await chain.nowS()) + 20;
  const leave = { betBook: chain.betBook.address, player: player.address, operator, grantNo: 1 };
  const signature = await player.signTypedData(
    leaveTypedData({ chainId: CHAIN_ID, ...leave, deadline }),
  );
  const call = [player.address, operator, 1, deadline, signature] as const;
  await chain.mineAt(deadline);
  expect(await chain.betBook.refusal(stranger.address, 'leaveBySig', call)).toBe('no error');
  await chain.mineAt(deadline + 1);
  expect(await chain.betBook.refusal(stranger.address, 'leaveBySig', call)).toBe('DeadlinePassed');
});

test('whoever lacks the role changes nothing', async () => {
  const { publicClient, betBook, registered } = chain;
  const refusals = await Promise.all([
    errorOf(
      publicClient.simulateContract({
        ...betBook,
        functionName: 'openBank',
        args: [registered.operator, stranger.address, LIMITS],
        account: stranger,
      }),
    ),
    errorOf(
      publicClient.simulateContract({
        ...betBook,
        functionName: 'fund',
        args: [registered.bank, 1n],
        account: stranger,
      }),
    ),
    errorOf(
      publicClient.simulateContract({
        ...betBook,
        functionName: 'applyBatch',
        args: [chain.lane(0), 0, `0x${'0'.repeat(64)}`, '0x'],
        account: chain.admin,
      }),
    ),
    errorOf(
      publicClient.simulateContract({
        ...betBook,
        functionName: 'registerOperator',
        args: [3, [], stranger.address],
        account: stranger,
      }),
    ),
    errorOf(
      publicClient.simulateContract({
        ...betBook,
        functionName: 'registerOperator',
        args: [4, [], stranger.address],
        account: chain.admin,
      }),
    ),
  ]);
  expect(refusals).toEqual([
    'NotAllowed',
    'NotAllowed',
    'NotAllowed',
    'ShardsInvalid',
    'OperatorExists',
  ]);
});
