import { expect, onTestFinished, test } from 'vitest';
import type { BankLimits } from '../contracts/deploy.ts';
import {
  BANK,
  bet,
  credit,
  openStage,
  PLAY_WINDOW_MS,
  playerOf,
  resultOf,
  type Stage,
  WIDE_LIMITS,
  win,
} from './test/stage.ts';

const alice = playerOf(0);
const bob = playerOf(1);
/** What the chain may lag behind the ledger's clock, seconds. */
const LAG_S = 30;

async function staged(limits: Partial<BankLimits> = {}, dueMs?: number): Promise<Stage> {
  const stage = await openStage({
    bankroll: 100_000n,
    limits,
    ...(dueMs !== undefined && { dueMs }),
  });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 10_000n);
  await stage.seat(bob, 10_000n);
  return stage;
}

let names = 0;
async function tryBet(stage: Stage, stake = 10n, maxPayout = 20n): Promise<string> {
  names += 1;
  const result = resultOf(await stage.send(alice, bet(`t${names}`, stake, maxPayout)));
  return /^[0-9]+$/.test(result) ? 'accepted' : result;
}

async function tryCredit(stage: Stage, amount: bigint): Promise<string> {
  names += 1;
  const result = resultOf(await stage.send(alice, credit(`c${names}`, amount)));
  return /^[0-9]+$/.test(result) ? 'accepted' : result;
}

/** Plays a decided bet of bob until it is final. */
async function play(stage: Stage, stake: bigint, payout: bigint): Promise<void> {
  names += 1;
  await stage.send(bob, bet(`p${names}`, stake, payout > stake ? payout : stake));
  await stage.send(bob, win(`w${names}`, `p${names}`, payout));
  await stage.planAll();
  await stage.landAll();
  await stage.finalizeAll();
}

async function happens(stage: Stage, work: () => void): Promise<void> {
  stage.mine(work);
  await stage.deliverAll();
}

test('while a bank is paused it takes no bet, but results and credits', async () => {
  const stage = await staged();
  await stage.send(alice, bet('open', 10n, 20n));
  await happens(stage, () => stage.chain.pauseBank(BANK, stage.nowS() + 100));
  const answer = await stage.send(alice, bet('b', 10n, 20n));
  expect(answer).toMatchObject({ outcome: 'failed', status: 503 });
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'BANK_PAUSED', errorClass: 'retryable' });
  expect(resultOf(await stage.send(alice, win('w', 'open', 20n)))).toBe('10010');
  expect(await tryCredit(stage, 1n)).toBe('accepted');
  stage.passMs((100 + LAG_S - 1) * 1_000);
  expect(await tryBet(stage)).toBe('BANK_PAUSED');
  stage.passMs(1_000);
  expect(resultOf(await stage.send(alice, bet('b', 10n, 20n)))).toBe('10001');
});

test('a halted bank takes no bet until it is resumed', async () => {
  const stage = await staged();
  await happens(stage, () => stage.chain.haltBank(BANK, 5));
  expect(await tryBet(stage)).toBe('BANK_HALTED');
  expect(await tryCredit(stage, 1n)).toBe('accepted');
  await happens(stage, () => stage.chain.resumeBank(BANK));
  expect(await tryBet(stage)).toBe('accepted');
});

test('a halt ends with the UTC day, once it is over on chain too', async () => {
  const stage = await staged();
  await happens(stage, () => stage.chain.haltBank(BANK, 5));
  const leftS = 86_400 - (stage.nowS() % 86_400);
  stage.passMs((leftS + LAG_S - 1) * 1_000);
  expect(await tryBet(stage)).toBe('BANK_HALTED');
  stage.passMs(1_000);
  expect(await tryBet(stage)).toBe('accepted');
});

test('a halt that a reorg takes back counts no more', async () => {
  const stage = await staged();
  await happens(stage, () => stage.chain.haltBank(BANK, 5));
  stage.chain.revert(1);
  await stage.deliverAll();
  expect(await tryBet(stage)).toBe('accepted');
});

test('a limit that was lowered counts at once, one that was raised when it is ready', async () => {
  const stage = await staged({ maxPayoutUnits: 100n });
  expect(await tryBet(stage, 10n, 101n)).toBe('PAYOUT_ABOVE_LIMIT');
  await happens(stage, () => {
    stage.chain.setLimits(BANK, { ...WIDE_LIMITS, maxPayoutUnits: 200n });
  });
  stage.passMs((60 + LAG_S - 1) * 1_000);
  expect(await tryBet(stage, 10n, 101n)).toBe('PAYOUT_ABOVE_LIMIT');
  stage.passMs(1_000);
  expect(await tryBet(stage, 10n, 101n)).toBe('accepted');
  await happens(stage, () => {
    stage.chain.setLimits(BANK, { ...WIDE_LIMITS, maxPayoutUnits: 50n });
  });
  expect(await tryBet(stage, 10n, 51n)).toBe('PAYOUT_ABOVE_LIMIT');
  expect(await tryBet(stage, 10n, 50n)).toBe('accepted');
});

test('a bet that may stay open beyond the horizon is not taken', async () => {
  const dueMs = 1_000_000;
  const beyond = await staged({ maxHorizonS: 1_000 + LAG_S - 1 }, dueMs);
  expect(await tryBet(beyond)).toBe('DUE_ABOVE_HORIZON');
  const within = await staged({ maxHorizonS: 1_000 + LAG_S }, dueMs);
  expect(await tryBet(within)).toBe('accepted');
  within.passMs(PLAY_WINDOW_MS);
  await within.planAll();
  await within.landAll();
  const intents = await within.context.journal.read.selectFrom('intent').selectAll().execute();
  expect(intents.map(({ state }) => state)).toEqual(['landed']);
});

test('the drawdown of the day and all that may still be won stay within stopLoss', async () => {
  const stage = await staged({ stopLossUnits: 1_000n });
  await play(stage, 100n, 700n);
  expect(await tryBet(stage, 10n, 411n)).toBe('BANK_DAY_LIMIT');
  expect(await tryBet(stage, 10n, 310n)).toBe('accepted');
  expect(await tryBet(stage, 10n, 111n)).toBe('BANK_DAY_LIMIT');
  expect(await tryBet(stage, 10n, 110n)).toBe('accepted');
});

test('what the bank won back counts once it is final', async () => {
  const stage = await staged({ stopLossUnits: 1_000n });
  await play(stage, 100n, 1_000n);
  expect(await tryBet(stage, 10n, 111n)).toBe('BANK_DAY_LIMIT');
  await stage.send(bob, bet('lost', 500n, 500n));
  await stage.send(bob, win('none', 'lost', 0n));
  await stage.planAll();
  await stage.landAll();
  expect(await tryBet(stage, 10n, 111n)).toBe('BANK_DAY_LIMIT');
  await stage.finalizeAll();
  expect(await tryBet(stage, 10n, 610n)).toBe('accepted');
});

test('gross wins of the day stay within dayWon, whatever the bank won back', async () => {
  const stage = await staged({ dayWonUnits: 1_000n });
  await play(stage, 100n, 700n);
  await play(stage, 1_000n, 0n);
  expect(await tryBet(stage, 10n, 411n)).toBe('BANK_DAY_LIMIT');
  expect(await tryBet(stage, 10n, 410n)).toBe('accepted');
});

test('a new day counts anew', async () => {
  const stage = await staged({ dayWonUnits: 1_000n });
  await play(stage, 100n, 1_100n);
  expect(await tryBet(stage)).toBe('BANK_DAY_LIMIT');
  stage.passMs((86_400 - (stage.nowS() % 86_400) + LAG_S) * 1_000);
  expect(await tryBet(stage)).toBe('accepted');
});

test('credits of the day stay within dayCredit, and lower no other limit', async () => {
  const stage = await staged({ dayCreditUnits: 100n, stopLossUnits: 1_000n, dayWonUnits: 1_000n });
  expect(await tryCredit(stage, 101n)).toBe('BANK_DAY_LIMIT');
  expect(await tryCredit(stage, 60n)).toBe('accepted');
  expect(await tryCredit(stage, 41n)).toBe('BANK_DAY_LIMIT');
  await stage.planAll();
  await stage.landAll();
  await stage.finalizeAll();
  expect(await tryCredit(stage, 41n)).toBe('BANK_DAY_LIMIT');
  expect(await tryCredit(stage, 40n)).toBe('accepted');
  expect(await tryBet(stage, 10n, 1_010n)).toBe('accepted');
});

test('what is exiting backs no bet, but a credit', async () => {
  const stage = await staged();
  await happens(stage, () => stage.chain.requestExit(BANK, 99_990n));
  expect(await tryBet(stage, 10n, 21n)).toBe('BANK_HEADROOM_SHORT');
  expect(await tryBet(stage, 10n, 20n)).toBe('accepted');
  expect(await tryCredit(stage, 50n)).toBe('accepted');
});
