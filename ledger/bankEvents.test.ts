import { expect, onTestFinished, test } from 'vitest';
import { checkLedger } from './audit.ts';
import { dayKey, dayOf, sumDays } from './bankDay.ts';
import { findAccount, findBank, headroomOf } from './reads.ts';
import type { ModelChain } from './test/modelChain.ts';
import {
  BANK,
  bet,
  LATER_S,
  laneOfPlayer,
  openStage,
  playerOf,
  type Stage,
  WIDE_LIMITS,
  win,
} from './test/stage.ts';

const alice = playerOf(0);
const bob = playerOf(1);

async function staged(): Promise<Stage> {
  const stage = await openStage({ bankroll: 100_000n });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 1_000n);
  await stage.seat(bob, 1_000n);
  return stage;
}

/** All that the chain's events make of the ledger, but for versions. */
async function stateOf(stage: Stage) {
  const account = await findAccount(stage.context, stage.deployment, alice);
  const today = dayOf(stage.nowS());
  const days = await sumDays(stage.context.journal.read, {
    deployment: stage.deployment,
    banks: [BANK],
    days: [today],
  });
  return {
    account: account && { ...account, version: undefined },
    bank: await findBank(stage.context, stage.deployment, BANK),
    day: days.get(dayKey(BANK, today)) ?? { lossUnits: 0n, wonUnits: 0n, creditedUnits: 0n },
  };
}

const lower = { ...WIDE_LIMITS, maxPayoutUnits: 500n, maxHorizonS: 90_000 };
const raised = { ...WIDE_LIMITS, stopLossUnits: 2n * WIDE_LIMITS.stopLossUnits };

/** Each event, what stands before it, and what it leaves. */
const EVENTS: readonly [
  name: string,
  before: (chain: ModelChain, nowS: number) => void,
  event: (chain: ModelChain, nowS: number) => void,
  expected: (nowS: number) => object,
][] = [
  [
    'LimitsSet that lowers',
    () => {},
    (chain) => chain.setLimits(BANK, lower),
    () => ({
      bank: { max_payout: '500', max_horizon_s: 90_000, announced: null, limits_ready_at_s: 0 },
    }),
  ],
  [
    'LimitsSet that raises one and lowers others',
    (chain) => chain.setLimits(BANK, lower),
    (chain) => chain.setLimits(BANK, { ...raised, dayWonUnits: 7n }),
    (nowS) => ({
      bank: {
        max_payout: '500',
        day_won: '7',
        stop_loss: String(WIDE_LIMITS.stopLossUnits),
        announced: expect.stringContaining(String(raised.stopLossUnits)),
        limits_ready_at_s: nowS + 60,
      },
    }),
  ],
  [
    'Paused',
    (chain, nowS) => chain.pauseBank(BANK, nowS - 5),
    (chain, nowS) => chain.pauseBank(BANK, nowS + 100),
    (nowS) => ({ bank: { paused_until_s: nowS + 100 } }),
  ],
  [
    'Halted',
    () => {},
    (chain) => chain.haltBank(BANK, 5),
    (nowS) => ({ bank: { halted_day: dayOf(nowS) } }),
  ],
  [
    'Resumed',
    (chain) => chain.haltBank(BANK, 5),
    (chain) => chain.resumeBank(BANK),
    () => ({ bank: { halted_day: null } }),
  ],
  [
    'ExitRequested',
    () => {},
    (chain) => chain.requestExit(BANK, 300n),
    (nowS) => ({ bank: { exiting: '300', exit_at_s: nowS + 60, unfinal_gains: '0' } }),
  ],
  [
    'ExitRequested for less than before',
    (chain) => chain.requestExit(BANK, 300n),
    (chain) => chain.requestExit(BANK, 100n),
    () => ({ bank: { exiting: '100', unfinal_gains: '200', unfinal_funds: '200' } }),
  ],
  [
    'ExitCancelled',
    (chain) => chain.requestExit(BANK, 300n),
    (chain) => chain.cancelExit(BANK),
    () => ({ bank: { exiting: '0', exit_at_s: 0, unfinal_gains: '300' } }),
  ],
  [
    'BankExited',
    (chain) => chain.requestExit(BANK, 300n),
    (chain) => chain.completeExit(BANK),
    () => ({ bank: { exiting: '0', exit_at_s: 0, bankroll: '99700', unfinal_gains: '0' } }),
  ],
  [
    'BankExited of a part',
    (chain) => chain.requestExit(BANK, 100_300n),
    (chain) => chain.completeExit(BANK),
    (nowS) => ({ bank: { exiting: '300', exit_at_s: nowS + 60, bankroll: '0' } }),
  ],
  [
    'PayoutSet',
    (chain) => chain.requestExit(BANK, 300n),
    (chain) => chain.setPayout(BANK, bob),
    (nowS) => ({ bank: { exiting: '300', exit_at_s: nowS + 60 } }),
  ],
  [
    'BankFunded',
    () => {},
    (chain) => chain.fundBank(BANK, 70n),
    () => ({ bank: { bankroll: '100070', unfinal_gains: '70', unfinal_funds: '70' } }),
  ],
  [
    'SeatFunded with a top-up',
    () => {},
    (chain) => chain.fundSeat(alice, 5n, 9n, LATER_S, 80n),
    () => ({ account: { chain_balance: '1005', unfinal_credits: '5', top_up_left: '80' } }),
  ],
  [
    'ToppedUp',
    (chain) => chain.fundSeat(alice, 5n, 9n, LATER_S, 80n),
    (chain) => chain.topUp(alice, laneOfPlayer(alice), 30n),
    () => ({
      account: {
        chain_balance: '1035',
        unfinal_credits: '30',
        spendable: '1005',
        top_up_left: '50',
      },
    }),
  ],
  [
    'Released',
    () => {},
    (chain) => chain.release(alice, laneOfPlayer(alice)),
    (nowS) => ({ account: { ends_at_s: nowS } }),
  ],
  [
    'RoundFinalized',
    () => {},
    (chain) => chain.finish(laneOfPlayer(alice), BANK),
    () => ({ account: { chain_balance: '1000' }, bank: { bankroll: '100000' } }),
  ],
];

test.for(EVENTS)('%s is followed, and taken back exactly', async ([, before, event, expected]) => {
  const stage = await staged();
  stage.mine(() => before(stage.chain, stage.nowS()));
  await stage.deliverAll();
  await stage.finalizeAll();
  const first = await stateOf(stage);
  for (let time = 0; time < 2; time += 1) {
    stage.mine(() => event(stage.chain, stage.nowS()));
    await stage.deliverAll();
    expect(await stateOf(stage)).toMatchObject(expected(stage.nowS()));
    expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
    if (time === 1) break;
    stage.chain.revert(1);
    await stage.deliverAll();
    expect(await stateOf(stage)).toEqual(first);
    expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
  }
  await stage.finalizeAll();
  expect((await stateOf(stage)).bank).toMatchObject({ unfinal_gains: '0', unfinal_funds: '0' });
  expect((await stateOf(stage)).account).toMatchObject({ unfinal_credits: '0' });
  expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
});

test('what is exiting backs no new bet', async () => {
  const stage = await staged();
  stage.mine(() => stage.chain.requestExit(BANK, 99_900n));
  await stage.deliverAll();
  const bank = await findBank(stage.context, stage.deployment, BANK);
  expect(bank && headroomOf(bank)).toBe(100n);
});

test('another operator’s bank changes nothing', async () => {
  const stage = await staged();
  const before = await stateOf(stage);
  stage.mine(() => stage.chain.emitForeign('Halted', { bank: 9, code: 5, n: 0 }));
  await stage.deliverAll();
  expect(await stateOf(stage)).toEqual(before);
  expect(await findBank(stage.context, stage.deployment, 9)).toBeUndefined();
});

test('the day’s drawdown follows results in their order, and comes back by a retraction', async () => {
  const stage = await staged();
  const play = async (name: string, stake: bigint, payout: bigint) => {
    await stage.send(alice, bet(name, stake, 1_000n));
    await stage.send(alice, win(`${name}w`, name, payout));
    await stage.planAll();
    await stage.landAll();
    return (await stateOf(stage)).day;
  };
  expect(await play('b1', 10n, 100n)).toMatchObject({ lossUnits: 90n, wonUnits: 90n });
  expect(await play('b2', 30n, 0n)).toMatchObject({ lossUnits: 60n, wonUnits: 90n });
  // More than the drawdown: it cannot be computed back from what is left.
  expect(await play('b3', 200n, 0n)).toMatchObject({ lossUnits: 0n, wonUnits: 90n });
  expect(await play('b4', 10n, 15n)).toMatchObject({ lossUnits: 5n, wonUnits: 95n });
  expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
  const last = await stateOf(stage);
  stage.chain.revert(2);
  await stage.deliverAll();
  expect((await stateOf(stage)).day).toMatchObject({ lossUnits: 60n, wonUnits: 90n });
  expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
  stage.chain.revert(1);
  await stage.deliverAll();
  expect((await stateOf(stage)).day).toMatchObject({ lossUnits: 90n, wonUnits: 90n });
  await stage.landAll();
  expect(await stateOf(stage)).toEqual(last);
  expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
});
