import fc from 'fast-check';
import { concat, type Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { account, errorOf, startChain, type TestChain, ZERO_HASH } from '../test/chain.ts';
import { anyOp } from './batch.arbitrary.ts';
import { decodeBatch, encodeBatch, encodePreimage, numbersOf, preimageOf } from './batch.ts';
import { unitGasBound } from './bounds.ts';
import { OUTCOME_CODES, PAGE_BETS_MAX } from './layout.ts';
import { anyOps } from './malformed.arbitrary.ts';
import { laneOf } from './message.ts';
import type { OpenUnit, PagePreimage, PlayUnit, SettleOutcome, Unit } from './unit.ts';

const SEED = Number(process.env.CROUPIER_TEST_SEED ?? Date.now() % 2 ** 31);
/** What a transaction may use at most (EIP-7825). */
const GAS = 16_777_216n;
/** BetBook stops before a unit that the rest of the gas might not suffice for. */
const UNITS_GAS_MAX = 15_000_000n;
/** Numbers that are used up before, more than any batch here has. */
const USED = 2_000;

/** An operator with one lane, so that every player belongs to it. */
const OPERATOR = account(7);

let chain: TestChain;
let lane: number;
let writer: Awaited<ReturnType<typeof deployWriter>>;

beforeAll(async () => {
  chain = await startChain();
  writer = await deployWriter();
  const betBook = { address: chain.betBook.address, abi: chain.betBook.abi };
  const wallet = chain.walletOf(OPERATOR);
  await wallet.writeContract({
    ...betBook,
    functionName: 'registerOperator',
    args: [1, [OPERATOR.address], OPERATOR.address],
  });
  const { operatorNo } = await chain.publicClient.readContract({
    ...betBook,
    functionName: 'operator',
    args: [OPERATOR.address],
  });
  lane = Number(laneOf(operatorNo, 0));
  const finish: Unit = { op: 'finish', bank: 0, round: '0x0000000000000000' };
  for (let first = 0; first < USED; first += 1_000) {
    const ops = encodeBatch(Array<Unit>(1_000).fill(finish));
    await wallet.writeContract({
      ...betBook,
      functionName: 'applyBatch',
      args: [lane, first, ZERO_HASH, ops],
      gas: GAS,
    });
  }
});
afterAll(() => chain.close());

async function deployWriter() {
  const { batchWriterAbi, batchWriterBytecode } = await import('../generated/test/batchWriter.ts');
  const hash = await chain
    .walletOf(chain.admin)
    .deployContract({ abi: batchWriterAbi, bytecode: batchWriterBytecode });
  const { contractAddress } = await chain.publicClient.getTransactionReceipt({ hash });
  if (!contractAddress) throw new Error('got no contract, expected one');
  return { address: contractAddress, abi: batchWriterAbi } as const;
}

// ------------------------------------------------------------------------- the Batch library

test(`the Batch library writes the same bytes as the encoder (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(anyOp, async (units) => {
      const ops = await writtenBySolidity(units);
      expect(ops).toBe(encodeBatch(units));
      expect(decodeBatch(ops)).toEqual(units);
    }),
    { seed: SEED, numRuns: 150 },
  );
});

test(`ops that follow each other are one batch (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyOp, { maxLength: 4 }), async (ops) => {
      const written: Hex[] = [];
      for (const units of ops) written.push(await writtenBySolidity(units));
      expect(decodeBatch(concat(['0x', ...written]))).toEqual(ops.flat());
    }),
    { seed: SEED, numRuns: 20 },
  );
});

test(`the Batch library writes the same preimage (seed ${SEED})`, async () => {
  const firstSeqs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  await fc.assert(
    fc.asyncProperty(anyOp, firstSeqs, async ([unit], firstSeq) => {
      if (unit?.op !== 'open') return;
      const preimage = preimageOf(unit, firstSeq);
      expect(await preimageBySolidity(preimage)).toBe(encodePreimage(preimage));
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test('the Batch library refuses counts and codes out of range', async () => {
  const player: Hex = `0x${'ab'.repeat(20)}`;
  const ref: Hex = `0x${'11'.repeat(16)}`;
  const page = { slot: 0, due: 1, round: '0x0102030405060708', bonded: false } as const;
  const item = { stake: 1n, payout: 0n, refBet: ref, refWin: ref };
  const bet = { player, bank: 1, stake: 1n, profit: 1n, ref };
  const outcome = { offset: 0, code: 0, payout: 0n, ref };
  const many = <Item>(count: number, one: Item): Item[] => Array.from({ length: count }, () => one);
  const { publicClient } = chain;
  const play = (count: number) =>
    publicClient.readContract({
      ...writer,
      functionName: 'play',
      args: [player, 1, many(count, item)],
    });
  const open = (count: number) =>
    publicClient.readContract({ ...writer, functionName: 'open', args: [page, many(count, bet)] });
  const preimage = (count: number) =>
    publicClient.readContract({
      ...writer,
      functionName: 'preimage',
      args: [0, page, many(count, bet)],
    });
  const settle = (count: number, code = 0) =>
    publicClient.readContract({
      ...writer,
      functionName: 'settle',
      args: [0, '0x', many(count, { ...outcome, code })],
    });
  const group = (count: number) =>
    publicClient.readContract({
      ...writer,
      functionName: 'group',
      args: [player, many<Hex>(count, '0x')],
    });
  for (const [write, most] of [
    [play, 255],
    [open, PAGE_BETS_MAX],
    [preimage, PAGE_BETS_MAX],
    [settle, PAGE_BETS_MAX],
    [group, 8],
  ] as const) {
    expect(await refusalOf(write(0))).toBe('CountOutOfRange');
    expect(await refusalOf(write(most + 1))).toBe('CountOutOfRange');
    expect(await refusalOf(write(most))).toBe('none');
  }
  expect(await refusalOf(settle(1, 4))).toBe('OutcomeUnknown');
});

/** The bytes of one op: a run of plays, or any other unit. */
async function writtenBySolidity(units: readonly Unit[]): Promise<Hex> {
  const { publicClient } = chain;
  const [unit] = units;
  switch (unit?.op) {
    case 'play':
      return publicClient.readContract({
        ...writer,
        functionName: 'play',
        args: [unit.player, unit.bank, (units as readonly PlayUnit[]).map(playItem)],
      });
    case 'open':
      return publicClient.readContract({
        ...writer,
        functionName: 'open',
        args: [pageOf(unit, unit.slot), unit.bets.map((bet) => solidityBet(bet, bet.ref))],
      });
    case 'settle':
      return publicClient.readContract({
        ...writer,
        functionName: 'settle',
        args: [
          unit.slot,
          await preimageBySolidity(unit.preimage),
          unit.outcomes.map(solidityOutcome),
        ],
      });
    case 'credit':
      return publicClient.readContract({
        ...writer,
        functionName: 'credit',
        args: [unit.player, unit.bank, unit.amountUnits, unit.ref],
      });
    case 'finish':
      return publicClient.readContract({
        ...writer,
        functionName: 'finish',
        args: [unit.bank, unit.round],
      });
    case 'topUp':
      return publicClient.readContract({
        ...writer,
        functionName: 'topUp',
        args: [unit.player, unit.amountUnits, unit.ref],
      });
    case 'release':
      return publicClient.readContract({
        ...writer,
        functionName: 'release',
        args: [unit.player, unit.ref],
      });
    case 'group': {
      const ops: Hex[] = [];
      for (const member of unit.units) ops.push(await writtenBySolidity([member]));
      return publicClient.readContract({
        ...writer,
        functionName: 'group',
        args: [unit.player, ops],
      });
    }
    default:
      throw new Error('got no unit, expected at least one');
  }
}

function preimageBySolidity(preimage: PagePreimage): Promise<Hex> {
  const bets = preimage.bets.map((bet) => solidityBet(bet, `0x${'0'.repeat(32)}`));
  return chain.publicClient.readContract({
    ...writer,
    functionName: 'preimage',
    args: [preimage.firstSeq, pageOf(preimage, 0), bets],
  });
}

const playItem = (unit: PlayUnit) => ({
  stake: unit.stakeUnits,
  payout: unit.payoutUnits,
  refBet: unit.refBet,
  refWin: unit.refWin,
});
const pageOf = (page: Pick<OpenUnit, 'dueS' | 'round' | 'bonded'>, slot: number) => ({
  slot,
  due: page.dueS,
  round: page.round,
  bonded: page.bonded,
});
const solidityBet = (bet: PagePreimage['bets'][number], ref: Hex) => ({
  player: bet.player,
  bank: bet.bank,
  stake: bet.stakeUnits,
  profit: bet.profitUnits,
  ref,
});
const solidityOutcome = (outcome: SettleOutcome) => ({
  offset: outcome.offset,
  code: OUTCOME_CODES.indexOf(outcome.code),
  payout: outcome.payoutUnits ?? 0n,
  ref: outcome.ref,
});

/** The name of the error that the writer reverts with. */
async function refusalOf(call: Promise<Hex>): Promise<string> {
  try {
    await call;
    return 'none';
  } catch (error) {
    return /Error: (\w+)\(/.exec(String(error))?.[1] ?? String(error);
  }
}

// -------------------------------------------------------------------------- BetBook's reader

test(`BetBook and the decoder refuse the same bytes, and count the same numbers (seed ${SEED})`, async () => {
  const seen = { read: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(anyOps, fc.boolean(), async (ops, skipped) => {
      const units = decoded(ops);
      if (units === 'too large') return;
      const next = await nextAfter(ops, skipped ? 0 : USED);
      seen[units === 'malformed' ? 'refused' : 'read'] += 1;
      if (units === 'malformed') {
        expect(next).toBe('MalformedOps');
      } else if (skipped) {
        expect(next).toBe(USED);
      } else if (units.reduce((sum, unit) => sum + unitGasBound(unit), 0n) < UNITS_GAS_MAX) {
        expect(next).toBe(units.reduce((sum, unit) => sum + numbersOf(unit), USED));
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
  expect(seen.read).toBeGreaterThan(100);
  expect(seen.refused).toBeGreaterThan(100);
});

test('BetBook and the decoder draw every line at the same place', async () => {
  const player = 'ab'.repeat(20);
  const other = 'cd'.repeat(20);
  const ref = '11'.repeat(16);
  const bank = '00000001';
  const amount = `${'00'.repeat(11)}05`;
  const byte = (value: number) => value.toString(16).padStart(2, '0');
  const run = (items: number, item: string, who = player) =>
    `${who}${bank}${byte(items)}${item.repeat(items)}`;
  const item = `${amount}${amount}${ref}${ref}`;
  const bet = `${amount}${amount}${ref}`;
  const play = (runs: string[]) => `01${byte(runs.length)}${runs.join('')}`;
  const page = (bonded = 0) => `0000000001${'00'.repeat(8)}${byte(bonded)}`;
  const open = (runs: string[], bonded = 0) =>
    `0200000000${page(bonded)}${byte(runs.length)}${runs.join('')}`;
  const outcome = (offset: number, code: number) => `${byte(offset)}${byte(code)}${ref}`;
  const settle = (leaves: number, outcomes: string[], bonded = 0) =>
    `0300000000${'00'.repeat(6)}${page(bonded)}${byte(leaves)}` +
    `${`${player}${bank}${amount}${amount}`.repeat(leaves)}` +
    `${byte(outcomes.length)}${outcomes.join('')}`;
  const credit = `04${player}${bank}${amount}${ref}`;
  const finish = `05${bank}${'00'.repeat(8)}`;
  const topUp = `06${player}${amount}${ref}`;
  const release = `07${player}${ref}`;
  const group = (members: string[]) => `08${player}${byte(members.length)}${members.join('')}`;
  const onePlay = play([run(1, item)]);
  const many = <Item>(count: number, one: Item): Item[] => Array.from({ length: count }, () => one);

  const batches = [
    play([run(255, item)]),
    play(many(255, run(1, item))),
    open([run(64, bet)], 1),
    open(many(64, run(1, bet))),
    open([run(32, bet), run(32, bet, other)]),
    settle(64, many(64, outcome(63, 0)), 1),
    settle(1, [outcome(0, 1), outcome(0, 2), `0003${amount}${ref}`]),
    `${credit}${finish}${topUp}${release}`,
    group(many(8, onePlay)),
    group([open([run(4, bet), run(4, bet)]), settle(64, many(8, outcome(63, 0))), credit]),
    group([open(many(8, run(1, bet)))]),
  ];
  const malformed = [
    '00',
    '09',
    'ff',
    play([]),
    play([run(0, item)]),
    open([]),
    open([run(0, bet)]),
    open([run(65, bet)]),
    open(many(65, run(1, bet))),
    open([run(32, bet), run(33, bet)]),
    open([run(1, bet)], 2),
    settle(0, [outcome(0, 0)]),
    settle(65, [outcome(0, 0)]),
    settle(1, []),
    settle(1, many(65, outcome(0, 0))),
    settle(1, [outcome(0, 0)], 2),
    settle(1, [outcome(1, 0)]),
    settle(64, [outcome(64, 0)]),
    settle(1, [outcome(0, 4)]),
    group([]),
    group(many(9, onePlay)),
    group([play([run(2, item)])]),
    group([play([run(1, item), run(1, item)])]),
    group([play([run(1, item, other)])]),
    group([open([run(9, bet)])]),
    group([open([run(4, bet), run(5, bet)])]),
    group([open(many(9, run(1, bet)))]),
    group([open([run(1, bet), run(1, bet, other)])]),
    group([settle(1, many(9, outcome(0, 0)))]),
    group([`04${other}${bank}${amount}${ref}`]),
    group([finish]),
    group([topUp]),
    group([release]),
    group([group([onePlay])]),
    group([onePlay, '00']),
  ];
  for (const ops of batches) {
    const units = decoded(`0x${ops}`);
    if (!Array.isArray(units)) throw new Error(`got ${units}, expected the units of ${ops}`);
    const next = units.reduce((sum, unit) => sum + numbersOf(unit), USED);
    expect([ops, await nextAfter(`0x${ops}`, 0)]).toEqual([ops, USED]);
    expect([ops, await nextAfter(`0x${ops}`, USED)]).toEqual([ops, next]);
  }
  for (const ops of malformed) {
    expect([ops, decoded(`0x${ops}`)]).toEqual([ops, 'malformed']);
    expect([ops, await nextAfter(`0x${ops}`, 0)]).toEqual([ops, 'MalformedOps']);
    expect([ops, await nextAfter(`0x${ops}`, USED)]).toEqual([ops, 'MalformedOps']);
  }
  const short = [onePlay, open([run(1, bet)]), settle(1, [outcome(0, 0)]), credit, finish, topUp];
  for (const op of [...short, release, group([onePlay])]) {
    for (let size = 2; size < op.length; size += 2) {
      const cut: Hex = `0x${op.slice(0, size)}`;
      expect([cut, decoded(cut)]).toEqual([cut, 'malformed']);
      expect([cut, await nextAfter(cut, 0)]).toEqual([cut, 'MalformedOps']);
    }
  }
});

/**
 * What the decoder makes of the bytes. A bet whose stake and profit do not fit in 96 bits is set apart:
 * the contract looks at that only when it applies the bet.
 */
function decoded(ops: Hex): Unit[] | 'malformed' | 'too large' {
  try {
    return decodeBatch(ops);
  } catch (error) {
    expect(error).toMatchObject({ code: 'OPS_MALFORMED', errorClass: 'final' });
    return String(error).includes('above 2^96') ? 'too large' : 'malformed';
  }
}

/** What BetBook makes of them: the number that it expects next, or the error's name. */
async function nextAfter(ops: Hex, first: number): Promise<number | string> {
  let next: number | undefined;
  const call = chain.publicClient.simulateContract({
    address: chain.betBook.address,
    abi: chain.betBook.abi,
    functionName: 'applyBatch',
    args: [lane, first, ZERO_HASH, ops],
    account: OPERATOR.address,
    gas: GAS,
  });
  const error = await errorOf(
    call.then(({ result }) => {
      next = result;
    }),
  );
  return next ?? error;
}
