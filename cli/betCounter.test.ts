import { expect, onTestFinished, test } from 'vitest';
import { bet, openStage, PLAY_WINDOW_MS, playerOf, win } from '../ledger/test/stage.ts';
import { createBetCounter } from './betCounter.ts';

const SIGNER = `0x${'5e'.repeat(20)}`;

test('a counter that followed all along says what one says that reads it all at once', async () => {
  const alice = playerOf(0);
  const stage = await openStage({ bankroll: 100_000n });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 1_000n);
  const open = () =>
    createBetCounter({ ledger: stage.context, deployment: stage.deployment, signer: SIGNER });
  const counter = open();
  const expectCounts = async (expected: object): Promise<void> => {
    expect(await counter.count()).toMatchObject(expected);
    expect(await open().count()).toEqual(await counter.count());
  };

  await expectCounts({ accepted: 0, refused: 0, landed: 0, final: 0, waitingActions: 0 });
  await stage.send(alice, bet('b1', 100n, 200n));
  await stage.send(alice, win('w1', 'b1', 150n));
  await stage.send(alice, bet('b2', 100n, 200n));
  await stage.send(alice, bet('b3', 5_000n, 6_000n));
  await expectCounts({ accepted: 2, refused: 1, landed: 0, final: 0, waitingActions: 3 });
  expect(await counter.unfinalActions()).toBe(3);

  await stage.planAll();
  await stage.landAll();
  await expectCounts({ accepted: 2, landed: 1, final: 0, waitingActions: 1 });
  await stage.finalizeAll();
  await expectCounts({ accepted: 2, landed: 1, final: 1, waitingActions: 1 });

  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  await stage.landAll();
  await stage.finalizeAll();
  await expectCounts({ accepted: 2, refused: 1, landed: 2, final: 2, rejected: 0 });
  expect(await counter.unfinalActions()).toBe(0);
});

test('a bet that the contract refused is rejected, and over once that is final', async () => {
  const alice = playerOf(0);
  const stage = await openStage({ bankroll: 100_000n, refuse: () => 3 });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 1_000n);
  const counter = createBetCounter({
    ledger: stage.context,
    deployment: stage.deployment,
    signer: SIGNER,
  });
  await stage.send(alice, bet('b1', 100n, 200n));
  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  await stage.landAll();
  expect(await counter.count()).toMatchObject({ accepted: 1, landed: 0, rejected: 1, final: 0 });
  expect(await counter.unfinalActions()).toBe(1);
  await stage.finalizeAll();
  expect(await counter.count()).toMatchObject({ accepted: 1, landed: 0, rejected: 1, final: 0 });
  expect(await counter.unfinalActions()).toBe(0);
});
