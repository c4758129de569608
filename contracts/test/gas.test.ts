import { readFile, writeFile } from 'node:fs/promises';
import type { Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePreimage, preimageOf } from '../encoding/batch.ts';
import type { OpenBet, OpenUnit, SettleOutcome, Unit } from '../encoding/unit.ts';
import { addressOf, codesOf, LIMITS, startChain, type TestChain } from './chain.ts';
import {
  bet,
  credit,
  finish,
  group,
  open,
  outcome,
  play,
  release,
  settle,
  topUp,
} from './units.ts';

const SNAPSHOT = new URL('./gas.snapshot.json', import.meta.url);
const README = new URL('../README.md', import.meta.url);
const UPDATE = process.env.CROUPIER_UPDATE_SNAPSHOT === '1';
const HOW = 'CROUPIER_UPDATE_SNAPSHOT=1 npx vitest run contracts/test/gas.test.ts';

/** Gas of a case: of all its transactions, batch base and calldata included. */
interface Figure {
  readonly gas: number;
  readonly bets: number;
}

/** The most gas per bet, see the design. */
const TARGETS: Readonly<Record<string, number>> = {
  'PLAY, 100 bets, 100 players': 10_400,
  'PLAY, 100 bets, 10 players': 5_200,
  'OPEN + SETTLE, page of 64, 64 players, new slot': 17_800,
  'OPEN + SETTLE, page of 64, 8 players, new slot': 12_000,
  'OPEN + SETTLE, 100 pages of 1, 100 players, new slots': 46_000,
  'OPEN + SETTLE, 100 pages of 1, 100 players, used slots': 29_000,
};

/** Not reached, see the README for why. */
const MISSED: readonly string[] = [
  'OPEN + SETTLE, page of 64, 64 players, new slot',
  'OPEN + SETTLE, 100 pages of 1, 100 players, new slots',
  'OPEN + SETTLE, 100 pages of 1, 100 players, used slots',
];

/** Every transaction has a time of its own, the same in every run: times are bytes of calldata. */
const START_S = Date.UTC(2030, 0, 1, 6, 30) / 1_000;
const DUE_S = START_S + 3_000;
const SIGN_BY_S = START_S + 86_400;
const FIRST_SLOT = 256;
/** 1.00 and 1.95 of a token with six decimals: three bytes of each amount are not zero. */
const STAKE = 1_000_000n;
const PAYOUT = 1_950_000n;
const PROFIT = PAYOUT - STAKE;
const RICH = 10n ** 12n;

const players = Array.from({ length: 100 }, (_, index) => addressOf(`player ${index}`));
const playerAt = (index: number): Hex => players[index] ?? '0x';
const repeat = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

let chain: TestChain;
let bank: number;
let measured: Readonly<Record<string, Figure>>;
beforeAll(async () => {
  chain = await startChain({ shards: 1 });
  bank = await chain.openBank(RICH, {
    maxPayout: RICH,
    stopLoss: RICH,
    dayWon: RICH,
    dayCredit: RICH,
    maxHorizon: LIMITS.maxHorizon,
  });
  for (const address of players) await chain.sit({ address }, 100n * STAKE, RICH, { topUp: STAKE });
  // What a bank and a lane write for the first time, and for the first time in a day, is dearer once.
  await send(START_S - 10, [play(playerAt(0), STAKE, PAYOUT, bank), credit(playerAt(0), 1n, bank)]);
  measured = await measureAll();
}, 120_000);
afterAll(() => chain.close());

let nextS = START_S;

/** One batch that refuses nothing. */
async function send(timeS: number, units: readonly Unit[]): Promise<number> {
  const first = await chain.next(0);
  await chain.setNextTime(timeS);
  const { gasUsed, receipt, events } = await chain.apply(0, first, units);
  expect(receipt.status).toBe('success');
  expect(codesOf(events)).toEqual([]);
  return Number(gasUsed);
}

async function gasOf(units: readonly Unit[]): Promise<number> {
  nextS += 1;
  return send(nextS, units);
}

/** Opens the pages with one batch, settles them with another. */
async function gasOfPages(
  pages: readonly OpenUnit[],
  codeOf: (index: number) => SettleOutcome['code'],
): Promise<number> {
  let seq = await chain.next(0);
  const opened = await gasOf(pages);
  let bets = 0;
  const settlements = pages.map((page) => {
    const outcomes = page.bets.map((_, offset) => outcome(offset, codeOf(bets + offset)));
    bets += outcomes.length;
    const unit = settle(page, seq, outcomes);
    seq += outcomes.length;
    return unit;
  });
  return opened + (await gasOf(settlements));
}

/** Half of the bets lose, half pay in full. */
const half = (index: number): 'lost' | 'full' => (index % 2 === 0 ? 'lost' : 'full');
const full = (): 'full' => 'full';
const result = (index: number) => (index % 2 === 0 ? 0n : PAYOUT);

async function measureAll(): Promise<Record<string, Figure>> {
  const figures: Record<string, Figure> = {};
  const record = (name: string, gas: number, bets = 1) => {
    figures[name] = { gas, bets };
  };
  const betOf = (index: number): OpenBet => bet(playerAt(index), STAKE, PROFIT, bank);
  let slot = FIRST_SLOT;

  record(
    'PLAY, 100 bets, 100 players',
    await gasOf(repeat(100, (index) => play(playerAt(index), STAKE, result(index), bank))),
    100,
  );
  record(
    'PLAY, 100 bets, 10 players',
    await gasOf(
      repeat(100, (index) => play(playerAt(Math.floor(index / 10)), STAKE, result(index), bank)),
    ),
    100,
  );
  for (const [outcomes, codeOf] of [
    ['', half],
    [', all paid in full', full],
  ] as const) {
    const distinct = open(slot++, DUE_S, repeat(64, betOf));
    record(
      `OPEN + SETTLE, page of 64, 64 players, new slot${outcomes}`,
      await gasOfPages([distinct], codeOf),
      64,
    );
    const eightfold = open(
      slot++,
      DUE_S,
      repeat(64, (index) => betOf(Math.floor(index / 8))),
    );
    record(
      `OPEN + SETTLE, page of 64, 8 players, new slot${outcomes}`,
      await gasOfPages([eightfold], codeOf),
      64,
    );
    const from = slot;
    slot += 100;
    const singles = repeat(100, (index) => open(from + index, DUE_S, [betOf(index)]));
    record(
      `OPEN + SETTLE, 100 pages of 1, 100 players, new slots${outcomes}`,
      await gasOfPages(singles, codeOf),
      100,
    );
    record(
      `OPEN + SETTLE, 100 pages of 1, 100 players, used slots${outcomes}`,
      await gasOfPages(singles, codeOf),
      100,
    );
  }

  const player = playerAt(1);
  record('CREDIT, alone', await gasOf([credit(player, STAKE, bank)]));
  record('FINISH, alone', await gasOf([finish(bank)]));
  record('TOPUP, alone', await gasOf([topUp(player, STAKE / 2n)]));
  record(
    'GROUP of a PLAY and a CREDIT, alone',
    await gasOf([group(player, [play(player, STAKE, 0n, bank), credit(player, STAKE, bank)])]),
  );
  await measureCalls(record, slot);
  return figures;
}

/** What anyone sends who is not an executor. */
async function measureCalls(
  record: (name: string, gas: number) => void,
  slot: number,
): Promise<void> {
  const { betBook, treasury, token, registered } = chain;
  const player = playerAt(2);
  const newcomer = addressOf('newcomer');
  const at = async (send: Promise<{ gasUsed: bigint }>) => Number((await send).gasUsed);
  const next = async () => {
    nextS += 1;
    await chain.setNextTime(nextS);
  };
  const page = open(slot, nextS + 10, [bet(player, STAKE, PROFIT, bank)]);
  const seq = await chain.next(0);
  await gasOf([page]);
  nextS += 20;
  await next();
  const preimage = encodePreimage(preimageOf(page, seq));
  record(
    'expire, page of 1',
    await at(betBook.send(player, 'expire', [chain.lane(0), slot, preimage])),
  );

  await next();
  await token.send(newcomer, 'mint', [newcomer, RICH]);
  await next();
  await token.send(newcomer, 'approve', [treasury.address, RICH]);
  await next();
  record('deposit, first', await at(treasury.send(newcomer, 'deposit', [newcomer, 10n * STAKE])));
  await next();
  record('deposit', await at(treasury.send(newcomer, 'deposit', [newcomer, 10n * STAKE])));
  await next();
  record(
    'allow, first',
    await at(treasury.send(newcomer, 'allow', [betBook.address, RICH, SIGN_BY_S])),
  );
  await next();
  const { operator } = registered;
  const grant = { operator, buyIn: STAKE, topUp: STAKE, maxStake: STAKE, expiry: SIGN_BY_S };
  record('sit, first', await at(betBook.send(newcomer, 'sit', [{ ...grant, grantNo: 1 }])));
  await next();
  record('leave', await at(betBook.send(newcomer, 'leave', [operator])));
  nextS += 60;
  await next();
  record('sweep', await at(betBook.send(player, 'sweep', [newcomer, operator])));
  await next();
  record('sit, again', await at(betBook.send(newcomer, 'sit', [{ ...grant, grantNo: 2 }])));
  record('RELEASE, alone', await gasOf([release(newcomer)]));
  await next();
  record('withdraw', await at(treasury.send(newcomer, 'withdraw', [newcomer, STAKE])));
}

const perBet = ({ gas, bets }: Figure): number => Math.round(gas / bets);

/** The table in the README: the cases of the design first, with their targets. */
function tableOf(figures: Readonly<Record<string, Figure>>): string {
  const number = (value: number) => value.toLocaleString('en-US');
  const rows = Object.entries(figures).map(([name, figure]) => {
    const target = TARGETS[name];
    return `| ${name} | ${number(perBet(figure))} | ${target ? `≤ ${number(target)}` : ''} |`;
  });
  return ['| case | gas | target |', '|---|--:|--:|', ...rows].join('\n');
}

const IN_README = /<!-- gas -->\n[\s\S]*?\n<!-- \/gas -->/;

test('gas is what the snapshot says, to the unit', async () => {
  if (UPDATE) await writeFile(SNAPSHOT, `${JSON.stringify(measured, null, 2)}\n`);
  const snapshot = JSON.parse(await readFile(SNAPSHOT, 'utf8'));
  expect(measured, `gas changed; if that is meant: ${HOW}`).toEqual(snapshot);
});

test('the README shows the same figures', async () => {
  const readme = await readFile(README, 'utf8');
  const table = `<!-- gas -->\n${tableOf(measured)}\n<!-- /gas -->`;
  if (UPDATE) await writeFile(README, readme.replace(IN_README, table));
  expect((await readFile(README, 'utf8')).match(IN_README)?.[0], HOW).toBe(table);
});

test.each(Object.entries(TARGETS))(
  '%s: at most %i gas per bet, or named as missed',
  (name, target) => {
    const figure = measured[name];
    if (!figure) throw new Error(`got no figure of ${name}, expected one`);
    expect(perBet(figure) > target).toBe(MISSED.includes(name));
  },
);
