import { readFile } from 'node:fs/promises';
import { encodeDeployData, type Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeBatch, encodePreimage, preimageOf } from '../encoding/batch.ts';
import { withdrawTypedData } from '../encoding/grant.ts';
import type { Unit } from '../encoding/unit.ts';
import type { betBookAbi } from '../generated/betBook.ts';
import type { treasuryAbi } from '../generated/treasury.ts';
import {
  account,
  addressOf,
  CHAIN_ID,
  codesOf,
  errorOf,
  startChain,
  type TestChain,
  ZERO_ADDRESS,
  ZERO_HASH,
} from './chain.ts';
import { bet, credit, group, open, outcome, play, settle, topUp } from './units.ts';

/** The names of all errors of an ABI. */
type ErrorOf<Abi extends readonly { type: string; name?: string }[]> = Extract<
  Abi[number],
  { type: 'error' }
>['name'];

const signer = account(3);
const player = addressOf('player');
const nobody = addressOf('nobody');
const elsewhere = addressOf('elsewhere', 3);

let chain: TestChain;
let admin: Hex;
let operator: Hex;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 1_000n, 500n);
  admin = chain.admin.address;
  operator = chain.registered.operator;
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const batch = (ops: Hex, { first = 0, lane = chain.lane(0), gas = 10_000_000n } = {}) =>
  errorOf(
    chain.publicClient.simulateContract({
      ...chain.betBook,
      functionName: 'applyBatch',
      args: [lane, first, ZERO_HASH, ops],
      account: chain.executor,
      gas,
    }),
  );
const bankCall = (
  name: 'resume' | 'cancelExit' | 'completeExit' | 'acceptBankAdmin',
  bank = 1,
  from = admin,
) => chain.betBook.refusal(from, name, [bank]);
const sitAs = async (from: Hex, changes: object) => {
  const expiry = (await chain.nowS()) + 600;
  const grant = { operator, buyIn: 0n, topUp: 0n, maxStake: 1n, expiry, grantNo: 1, ...changes };
  return chain.betBook.refusal(from, 'sit', [grant]);
};
const openedPage = async () => {
  const page = open(0, (await chain.nowS()) + 600, [bet(player, 1n, 1n), bet(player, 1n, 1n)]);
  await chain.applyNext([page]);
  return page;
};
/** `leaveBySig` of the signer, who has no seat. */
const leaveBySig = async (deadline: number, signature: Hex, grantNo = 0) =>
  chain.betBook.refusal(nobody, 'leaveBySig', [
    signer.address,
    operator,
    grantNo,
    deadline,
    signature,
  ]);
const deployBook = async (treasury: Hex, noticeS: number) => {
  const { betBookBytecode } = await import('../generated/betBook.ts');
  const { abi } = chain.betBook;
  const data = encodeDeployData({ abi, bytecode: betBookBytecode, args: [treasury, noticeS] });
  return errorOf(chain.publicClient.call({ data, account: admin }));
};
const deployTreasury = async (token: Hex) => {
  const { treasuryBytecode } = await import('../generated/treasury.ts');
  const { abi } = chain.treasury;
  const data = encodeDeployData({ abi, bytecode: treasuryBytecode, args: [token] });
  return errorOf(chain.publicClient.call({ data, account: admin }));
};
/** A Treasury over a token that misbehaves from now on; `admin` holds 100 in it. */
const misbehaving = async (mode: number) => {
  const { testTokenAbi, testTokenBytecode } = await import('../generated/test/testToken.ts');
  const { treasuryBytecode } = await import('../generated/treasury.ts');
  const create = async (data: Hex) =>
    (await chain.sendData(admin, undefined, data)).receipt.contractAddress ?? ZERO_ADDRESS;
  const token = chain.contractAt(
    await create(encodeDeployData({ abi: testTokenAbi, bytecode: testTokenBytecode })),
    testTokenAbi,
  );
  const { abi } = chain.treasury;
  const treasury = chain.contractAt(
    await create(encodeDeployData({ abi, bytecode: treasuryBytecode, args: [token.address] })),
    abi,
  );
  await token.send(admin, 'mint', [admin, 200n]);
  await token.send(admin, 'approve', [treasury.address, 200n]);
  await treasury.send(admin, 'deposit', [admin, 100n]);
  await token.send(admin, 'setMode', [mode]);
  return treasury;
};
const withdrawBySig = async (nonce: bigint, deadline: number, signed = true) => {
  const values = { player: signer.address, to: nobody, amount: 0n, nonce, deadline };
  const treasury = chain.treasury.address;
  const signature = await signer.signTypedData(
    withdrawTypedData({ ...values, chainId: signed ? CHAIN_ID : 1, treasury }),
  );
  return chain.treasury.refusal(nobody, 'withdrawBySig', [
    signer.address,
    nobody,
    0n,
    nonce,
    deadline,
    signature,
  ]);
};

/** Ends the inner call of a refused group; BetBook catches it, nobody else may make that call. */
const NEVER_LEAVES = 'GroupStopped';

/** How each error of BetBook is reached. The compiler asks for a row of each. */
const betBookErrors: Record<
  Exclude<ErrorOf<typeof betBookAbi>, typeof NEVER_LEAVES>,
  () => Promise<string>
> = {
  AllReserved: async () => {
    const bank = await chain.openBank(0n);
    await chain.betBook.send(admin, 'requestExit', [bank, 1n]);
    await chain.passTime(60);
    return bankCall('completeExit', bank);
  },
  BankUnknown: () => bankCall('resume', 9),
  CoolingDown: async () => {
    const until = (await chain.nowS()) + 60;
    await chain.betBook.send(chain.guardian.address, 'pause', [1, until]);
    return chain.betBook.refusal(chain.guardian.address, 'pause', [1, until + 1]);
  },
  DeadlinePassed: async () => leaveBySig((await chain.nowS()) - 1, '0x'),
  ExecutorUnchanged: () => chain.betBook.refusal(admin, 'setExecutor', [operator, nobody, false]),
  ExitTooEarly: async () => {
    await chain.betBook.send(admin, 'requestExit', [1, 1n]);
    return bankCall('completeExit');
  },
  ExpiryOutOfRange: () => sitAs(nobody, { expiry: 1 }),
  GasTooLow: () => batch(encodeBatch([credit(player, 1n)]), { gas: 45_000n }),
  GrantNoMismatch: () => sitAs(nobody, { grantNo: 2 }),
  GrantTooLarge: async () => {
    const nowS = await chain.nowS();
    const grant = { operator, buyIn: 2n ** 96n - 1n, topUp: 1n, maxStake: 1n, grantNo: 1 };
    const allowing = { expiry: nowS + 600, nonce: 0, deadline: nowS + 600 };
    return chain.betBook.refusal(nobody, 'sit', [
      signer.address,
      { ...grant, expiry: nowS + 600 },
      allowing,
      '0x',
    ]);
  },
  LaneGap: () => batch('0x', { first: 1 }),
  LaneUnknown: () => batch('0x', { lane: chain.lane(4) }),
  MalformedOps: () => batch('0x00'),
  NotAllowed: () => bankCall('resume', 1, nobody),
  NotDue: async () => {
    const page = await openedPage();
    const preimage = encodePreimage(preimageOf(page, 0));
    return chain.betBook.refusal(nobody, 'expire', [chain.lane(0), 0, preimage]);
  },
  NotExiting: () => bankCall('cancelExit'),
  NotHalted: () => bankCall('resume'),
  NoticeOutOfRange: () => deployBook(chain.treasury.address, 0),
  OperatorExists: () => chain.betBook.refusal(admin, 'registerOperator', [1, [], admin]),
  OperatorUnknown: () => chain.betBook.refusal(admin, 'acceptAdmin', [nobody]),
  PageMismatch: () => chain.betBook.refusal(nobody, 'expire', [chain.lane(0), 0, '0x']),
  PauseOutOfRange: () => chain.betBook.refusal(chain.guardian.address, 'pause', [1, 1]),
  SeatEmpty: () => chain.betBook.refusal(nobody, 'sweep', [nobody, operator]),
  SeatLive: () => chain.betBook.refusal(nobody, 'sweep', [player, operator]),
  SeatNotLive: () => chain.betBook.refusal(nobody, 'leave', [operator]),
  ShardsInvalid: () => chain.betBook.refusal(nobody, 'registerOperator', [3, [], admin]),
  SignatureInvalid: async () => leaveBySig((await chain.nowS()) + 60, '0x'),
  TimeNotInSeconds: async () => leaveBySig((await chain.nowS()) * 100, '0x'),
  TooManyExecutors: () =>
    chain.betBook.refusal(nobody, 'registerOperator', [1, Array(65).fill(admin), admin]),
  TreasuryWithoutCode: () => deployBook(nobody, 60),
  UnitSplit: async () => {
    const page = await openedPage();
    return batch(encodeBatch([open(1, page.dueS, [...page.bets, ...page.bets])]), { first: 1 });
  },
  WrongShard: () => batch(encodeBatch([credit(elsewhere, 1n)])),
  ZeroValue: () => chain.betBook.refusal(admin, 'fund', [1, 0n]),
};

/** How each error of the Treasury is reached. */
const treasuryErrors: Record<ErrorOf<typeof treasuryAbi>, () => Promise<string>> = {
  AllowanceExpired: () => chain.treasury.refusal(nobody, 'pull', [player, 1n]),
  AllowanceShort: async () => {
    const expiry = (await chain.nowS()) + 60;
    await chain.treasury.send(player, 'allow', [nobody, 1n, expiry]);
    return chain.treasury.refusal(nobody, 'pull', [player, 2n]);
  },
  AmountZero: () => chain.treasury.refusal(player, 'withdraw', [player, 0n]),
  BalanceShort: () => chain.treasury.refusal(nobody, 'withdraw', [nobody, 1n]),
  ClientShort: () => chain.treasury.refusal(nobody, 'push', [player, 1n]),
  DeadlinePassed: () => withdrawBySig(0n, 1),
  LengthsDiffer: () => chain.treasury.refusal(nobody, 'pushMany', [[player], []]),
  NonceMismatch: async () => withdrawBySig(1n, (await chain.nowS()) + 60),
  ReentrancyGuardReentrantCall: async () =>
    (await misbehaving(4)).refusal(admin, 'withdraw', [admin, 1n]),
  SafeERC20FailedOperation: async () =>
    (await misbehaving(3)).refusal(admin, 'withdraw', [admin, 1n]),
  SignatureInvalid: async () => withdrawBySig(0n, (await chain.nowS()) + 60, false),
  TimeNotInSeconds: async () => withdrawBySig(0n, (await chain.nowS()) * 100),
  TokenMovedOther: async () => (await misbehaving(1)).refusal(admin, 'deposit', [admin, 1n]),
  TokenWithoutCode: () => deployTreasury(nobody),
  TotalExceeded: () => chain.treasury.refusal(player, 'deposit', [player, 2n ** 96n - 1n]),
};

describe.each([
  ['BetBook', betBookErrors],
  ['Treasury', treasuryErrors],
])('every error of %s is reached', (contract, errors) => {
  test('and the table has all of its ABI', () => {
    const { abi } = contract === 'BetBook' ? chain.betBook : chain.treasury;
    const declared = abi.filter((item) => item.type === 'error').map((item) => item.name);
    expect(Object.keys(errors).sort()).toEqual(
      declared.filter((name) => name !== NEVER_LEAVES).sort(),
    );
  });
  test.each(Object.entries(errors))('%s', async (name, provoke) => {
    expect(await provoke()).toBe(name);
  });
});

/** What is refused with each code of `Codes.sol`, last of a batch. */
const refusals: Record<string, () => Unit[] | Promise<Unit[]>> = {
  SEAT_ENDED: () => [play(nobody, 1n, 0n)],
  ABOVE_MAX_STAKE: () => [play(player, 501n, 0n)],
  SEAT_SHORT: () => [play(player, 500n, 0n), play(player, 500n, 0n), play(player, 1n, 0n)],
  ABOVE_MAX_PAYOUT: () => [play(player, 1n, 100_001n)],
  BANK_SHORT: () => [credit(player, 1_000_001n)],
  DAY_LIMIT: async () => [credit(player, 1n, await chain.openBank(1n, { dayCredit: 0n }))],
  BANK_CLOSED: () => [play(player, 1n, 0n, 9)],
  SLOT_BUSY: async () => [open(0, (await openedPage()).dueS, [bet(player, 1n, 1n)])],
  PAGE_MISMATCH: async () => [settle(await openedPage(), 1, [outcome(0, 'lost')])],
  ABOVE_RESERVE: async () => [settle(await openedPage(), 0, [outcome(0, 'explicit', 3n)])],
  PAST_DUE: async () => [open(0, await chain.nowS(), [bet(player, 1n, 1n)])],
  ALREADY_CLOSED: async () => {
    const page = await openedPage();
    return [settle(page, 0, [outcome(0, 'lost')]), settle(page, 0, [outcome(0, 'lost')])];
  },
  STAKE_ZERO: () => [play(player, 0n, 0n)],
  VOID_OF_BONDED: async () => {
    const page = open(0, (await chain.nowS()) + 60, [bet(player, 1n, 1n)], true);
    return [page, settle(page, 0, [outcome(0, 'void')])];
  },
  TOP_UP_REFUSED: () => [topUp(player, 1n)],
  GROUP_REFUSED: () => [group(player, [play(player, 0n, 0n)])],
  BEYOND_HORIZON: async () => [open(0, (await chain.nowS()) + 9_999, [bet(player, 1n, 1n)])],
};
const source = await readFile(new URL('../Codes.sol', import.meta.url), 'utf8');
const codes = [...source.matchAll(/uint8 internal constant (\w+) = (\d+);/g)].map(
  ([, name, code]) => [name ?? '', Number(code)] as const,
);

describe('every rejection code is reached', () => {
  test('and the table has all of Codes.sol, numbered without a gap', () => {
    expect(Object.keys(refusals)).toEqual(codes.map(([name]) => name));
    expect(codes.map(([, code]) => code)).toEqual(codes.map((_, index) => index + 1));
  });
  test.each(codes)('%s', async (name, code) => {
    const units = await refusals[name]?.();
    expect(codesOf(await chain.applyNext(units ?? [])).at(-1)).toBe(code);
  });
});

test('a notice period is one second to seven days', async () => {
  const { address } = chain.treasury;
  expect(await deployBook(address, 1)).toBe('no error');
  expect(await deployBook(address, 7 * 86_400)).toBe('no error');
  expect(await deployBook(address, 7 * 86_400 + 1)).toBe('NoticeOutOfRange');
});
