import { expect, onTestFinished, test } from 'vitest';
import { checkLedger } from './audit.ts';
import { findAccount, findBank, findBet } from './reads.ts';
import { BANK, bet, openStage, PLAY_WINDOW_MS, playerOf, resultOf, win } from './test/stage.ts';

const alice = playerOf(1);
const DUE_MS = 10_000;

/** A ledger with two open bets, of which one has a result that did not land in time. */
async function staged() {
  const stage = await openStage({ bankroll: 100_000n, dueMs: DUE_MS });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 1_000n);
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, bet('b2', 50n, 80n));
  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  await stage.landAll();
  await stage.finalizeAll();
  await stage.send(alice, win('w2', 'b2', 80n));
  await stage.planAll();
  stage.passMs(DUE_MS);

  const rowsOf = async () => ({
    account: { ...(await findAccount(stage.context, stage.deployment, alice)), version: undefined },
    bank: await findBank(stage.context, stage.deployment, BANK),
    days: await stage.context.journal.read.selectFrom('bank_day').selectAll().execute(),
    bets: await stage.context.journal.read.selectFrom('bet').selectAll().execute(),
    slots: await stage.context.journal.read.selectFrom('slot').selectAll().execute(),
  });
  const find = (txId: string) => {
    const { deployment } = stage;
    return findBet(stage.context, { deployment, provider: 'dice', brand: '', txId });
  };
  const expire = async (bonded = false) => {
    stage.mine(() => stage.chain.expirePages(bonded));
    await stage.deliverAll();
  };
  const expectSound = async () =>
    expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
  return { stage, rowsOf, find, expire, expectSound };
}

test('an expired page gives its stakes back, once that is final', async () => {
  const { stage, rowsOf, find, expire, expectSound } = await staged();
  await expire();
  expect(await rowsOf()).toMatchObject({
    account: { chain_balance: '1000', unfinal_credits: '150' },
    bank: { bankroll: '100000', reserved: '0', locked: '0', unfinal_gains: '230' },
  });
  // The accepted win is still to come as far as anyone knows.
  expect((await rowsOf()).account).toMatchObject({ pending: '80', spendable: '930' });
  expect((await find('b1'))?.bet.state).toBe('expired');
  expect((await find('b2'))?.bet.state).toBe('settled');
  expect((await find('b1'))?.isPageOpen).toBe(true);
  await expectSound();
  await stage.finalizeAll();
  expect((await find('b1'))?.isPageOpen).toBe(false);
  expect((await rowsOf()).slots.map(({ state }) => state)).toEqual(['free', 'free']);
  await stage.landAll();
  const intents = (await find('b2'))?.intents.map(({ kind, state, rejection_code }) => {
    return [kind, state, rejection_code];
  });
  expect(intents).toEqual([
    ['bet', 'final', null],
    ['win', 'rejected', 9],
  ]);
  await stage.finalizeAll();
  expect((await rowsOf()).account).toMatchObject({ spendable: '1000', pending: '0' });
  await expectSound();
});

test('a bonded page pays its whole reserve', async () => {
  const { rowsOf, expire, expectSound } = await staged();
  await expire(true);
  expect(await rowsOf()).toMatchObject({
    account: { chain_balance: '1230', unfinal_credits: '380' },
    bank: { bankroll: '99770', reserved: '0', locked: '0' },
    days: [{ loss: '230', won: '230' }],
  });
  await expectSound();
});

test('an expiry that a reorg takes back leaves all as it was', async () => {
  for (const bonded of [false, true]) {
    const { stage, rowsOf, find, expire, expectSound } = await staged();
    const { days: _, ...before } = await rowsOf();
    await expire(bonded);
    stage.chain.revert(1);
    await stage.deliverAll();
    const { days, ...after } = await rowsOf();
    expect(after).toEqual(before);
    for (const day of days) expect(day).toMatchObject({ loss: '0', won: '0' });
    expect((await find('b1'))?.bet.state).toBe('open');
    await expectSound();
    await expire(bonded);
    await stage.finalizeAll();
    expect((await find('b1'))?.bet.state).toBe('expired');
    await expectSound();
  }
});

test('a result that comes too late is refused: before the expiry on chain, after it at once', async () => {
  const { stage, find, expire, expectSound } = await staged();
  await stage.landAll();
  const [, late] = (await find('b2'))?.intents ?? [];
  expect(late).toMatchObject({ kind: 'win', state: 'rejected', rejection_code: 11 });
  await stage.finalizeAll();
  expect((await find('b2'))?.isPageOpen).toBe(true);
  await expire();
  expect(resultOf(await stage.send(alice, win('w1', 'b1', 300n)))).toBe('BET_EXPIRED');
  await stage.finalizeAll();
  expect((await find('b2'))?.isPageOpen).toBe(false);
  const account = await findAccount(stage.context, stage.deployment, alice);
  expect(account).toMatchObject({ chain_balance: '1000', spendable: '1000', pending: '0' });
  await expectSound();
});

test('a slot whose page expired is used again, and a late settlement of the old page hurts nobody', async () => {
  const { stage, find, expire, expectSound } = await staged();
  await expire();
  await stage.finalizeAll();
  await stage.send(alice, bet('b3', 10n, 30n));
  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  await stage.landAll();
  expect((await find('b3'))?.bet.slot).toBe(0);
  expect((await find('b3'))?.intents[0]?.state).toBe('landed');
  expect((await find('b2'))?.intents[1]).toMatchObject({ state: 'rejected', rejection_code: 9 });
  await stage.send(alice, win('w3', 'b3', 30n));
  await stage.planAll();
  await stage.landAll();
  await stage.finalizeAll();
  const account = await findAccount(stage.context, stage.deployment, alice);
  expect(account).toMatchObject({ chain_balance: '1020', spendable: '1020' });
  await expectSound();
});

test('a higher epoch folds an expiry anew', async () => {
  const { stage, rowsOf, find, expire, expectSound } = await staged();
  await expire();
  await stage.finalizeAll();
  const { slots: _, ...before } = await rowsOf();
  stage.chain.raiseEpoch();
  stage.chain.finalizeTo(stage.chain.height());
  await stage.deliverAll();
  const { slots: __, ...after } = await rowsOf();
  expect(after).toEqual(before);
  expect((await find('b1'))?.bet.state).toBe('expired');
  expect((await find('b1'))?.isPageOpen).toBe(false);
  await expectSound();
});
