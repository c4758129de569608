import { expect, onTestFinished, test } from 'vitest';
import { type Crash, noCrash } from '../platform/crash.ts';
import { checkLedger } from './audit.ts';
import { findAccount, findBank, findBet, headroomOf, type Intent } from './reads.ts';
import type { Refuse } from './test/modelChain.ts';
import {
  BANK,
  bet,
  credit,
  openStage,
  PLAY_WINDOW_MS,
  playerOf,
  resultOf,
  type Stage,
  voidOf,
  win,
} from './test/stage.ts';

const alice = playerOf(0);

async function staged(refuse?: Refuse): Promise<Stage> {
  const stage = await openStage({ bankroll: 100_000n, ...(refuse && { refuse }) });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 1_000n);
  return stage;
}

/** Without its version, which rises even where a write restores all the rest. */
async function accountOf(stage: Stage) {
  const row = await findAccount(stage.context, stage.deployment, alice);
  return row && { ...row, version: undefined };
}

async function bankOf(stage: Stage) {
  return await findBank(stage.context, stage.deployment, BANK);
}

async function intentsOf(stage: Stage, txId: string): Promise<Intent[]> {
  const { deployment } = stage;
  const found = await findBet(stage.context, { deployment, provider: 'dice', brand: '', txId });
  return found?.intents ?? [];
}

async function statesOf(stage: Stage, txId: string): Promise<string[]> {
  return (await intentsOf(stage, txId)).map(({ state }) => state);
}

async function alertsOf(stage: Stage): Promise<Record<string, number>> {
  const rows = await stage.context.journal.read.selectFrom('alert').selectAll().execute();
  return Object.fromEntries(rows.map(({ code, count }) => [code, count]));
}

async function expectSound(stage: Stage): Promise<void> {
  expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
}

test('a played bet lands, then is final, and the balances are the chain’s', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, win('w1', 'b1', 250n));
  await stage.planAll();
  await stage.landAll();
  expect(await statesOf(stage, 'b1')).toEqual(['landed', 'landed']);
  expect(await accountOf(stage)).toMatchObject({
    chain_balance: '1150',
    pending: '0',
    spendable: '1150',
  });
  await stage.finalizeAll();
  expect(await statesOf(stage, 'b1')).toEqual(['final', 'final']);
  expect(await bankOf(stage)).toMatchObject({ bankroll: '99850', hold: '0', unfinal_gains: '0' });
  await expectSound(stage);
});

test('an open bet is reserved and locked until it is settled or voided', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, bet('b2', 50n, 80n));
  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  await stage.landAll();
  expect(await bankOf(stage)).toMatchObject({ reserved: '230', locked: '150', hold: '0' });
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '850', spendable: '850' });
  await stage.send(alice, win('w1', 'b1', 120n));
  await stage.send(alice, voidOf('v2', 'b2'));
  await stage.planAll();
  await stage.landAll();
  expect(await bankOf(stage)).toMatchObject({
    bankroll: '99980',
    reserved: '0',
    locked: '0',
    unfinal_gains: '210',
  });
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1020', spendable: '1020' });
  await stage.finalizeAll();
  expect(await bankOf(stage)).toMatchObject({ unfinal_gains: '0' });
  await expectSound(stage);
});

test('a reorg takes everything back, and the same items land again elsewhere', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, win('w1', 'b1', 250n));
  await stage.send(alice, bet('b2', 10n, 30n));
  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  const before = [await accountOf(stage), await bankOf(stage)];
  await stage.landAll();
  const landed = [await accountOf(stage), await bankOf(stage)];
  stage.chain.revert(1);
  await stage.deliverAll();
  expect([await accountOf(stage), await bankOf(stage)]).toEqual(before);
  expect(await statesOf(stage, 'b1')).toEqual(['planned', 'planned']);
  await expectSound(stage);
  await stage.landAll();
  expect([await accountOf(stage), await bankOf(stage)]).toEqual(landed);
  const item = await stage.context.journal.read.selectFrom('item').selectAll().execute();
  expect(item.map(({ state }) => state)).toEqual(['closed', 'closed']);
  await expectSound(stage);
});

test('a refusal takes until it is final, and gives nothing', async () => {
  const stage = await staged((_, seq) => (seq === 0 ? 5 : 0));
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, win('w1', 'b1', 250n));
  await stage.planAll();
  await stage.landAll();
  expect(await statesOf(stage, 'b1')).toEqual(['rejected', 'rejected']);
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1000', spendable: '900' });
  expect(await bankOf(stage)).toMatchObject({ hold: '150' });
  await stage.finalizeAll();
  expect(await statesOf(stage, 'b1')).toEqual(['rejected_final', 'rejected_final']);
  expect(await accountOf(stage)).toMatchObject({ spendable: '1000', pending: '0' });
  expect(await bankOf(stage)).toMatchObject({ hold: '0' });
  expect((await intentsOf(stage, 'b1')).map((intent) => intent.rejection_code)).toEqual([5, 5]);
  await expectSound(stage);
});

test('a refusal that a reorg takes back may land the second time', async () => {
  let refusing = true;
  const stage = await staged(() => (refusing ? 5 : 0));
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, win('w1', 'b1', 250n));
  await stage.planAll();
  await stage.landAll();
  stage.chain.revert(1);
  refusing = false;
  await stage.landAll();
  expect(await statesOf(stage, 'b1')).toEqual(['landed', 'landed']);
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1150', spendable: '1150' });
  await expectSound(stage);
});

test('the result of a bet whose OPEN was refused gets a refusal of its own', async () => {
  const stage = await staged((_, __, unit) => (unit.op === 'open' ? 5 : 0));
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, voidOf('v1', 'b1'));
  await stage.planAll();
  await stage.landAll();
  expect(await statesOf(stage, 'b1')).toEqual(['rejected', 'rejected']);
  expect((await intentsOf(stage, 'b1')).map((intent) => intent.rejection_code)).toEqual([5, 9]);
  await stage.finalizeAll();
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1000', spendable: '1000' });
  const slots = await stage.context.journal.read.selectFrom('slot').select('state').execute();
  expect(slots).toEqual([{ state: 'free' }]);
  expect(await alertsOf(stage)).toEqual({});
  await expectSound(stage);
});

test('limits follow grants and leaving, and come back by a retraction', async () => {
  const stage = await staged();
  const limits = async () => {
    const { max_stake, ends_at_s, grant_no } = (await accountOf(stage)) ?? {};
    return { max_stake, ends_at_s, grant_no };
  };
  const before = await limits();
  stage.mine(() => {
    stage.chain.endSeat(alice, 1_700_000_100);
    stage.chain.sweepSeat(alice);
    stage.chain.fundSeat(alice, 70n, 9n, 1_700_009_000);
  });
  await stage.deliverAll();
  expect(await limits()).toEqual({ max_stake: '9', ends_at_s: 1_700_009_000, grant_no: 2 });
  expect(await accountOf(stage)).toMatchObject({
    chain_balance: '70',
    unfinal_credits: '70',
    spendable: '0',
  });
  stage.chain.revert(1);
  await stage.deliverAll();
  expect(await limits()).toEqual(before);
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1000', unfinal_credits: '0' });
  await expectSound(stage);
});

test('another action at the number displaces the item, which is planned again once that is final', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, voidOf('v1', 'b1'));
  await stage.planAll();
  stage.mine(() => stage.chain.landForeign(0, alice, BANK, 7n));
  await stage.landAll();
  expect(await statesOf(stage, 'b1')).toEqual(['displaced', 'displaced']);
  expect(await alertsOf(stage)).toEqual({ ITEM_DISPLACED: 2, REF_UNKNOWN: 1 });
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1007', spendable: '1007' });
  await stage.finalizeAll();
  expect(await statesOf(stage, 'b1')).toEqual(['pending', 'pending']);
  await stage.planAll();
  await stage.landAll();
  await stage.finalizeAll();
  expect(await statesOf(stage, 'b1')).toEqual(['final', 'final']);
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1007', spendable: '1007' });
  await expectSound(stage);
});

test('the win of a displaced bet waits, and is played with it under the new number', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  stage.mine(() => stage.chain.landForeign(0, alice, BANK, 7n));
  await stage.deliverAll();
  await stage.send(alice, win('w1', 'b1', 250n));
  expect(await stage.plan(0)).toBe(0);
  await stage.finalizeAll();
  expect(await stage.plan(0)).toBe(1);
  await stage.landAll();
  await stage.finalizeAll();
  expect((await intentsOf(stage, 'b1')).map(({ state, seq }) => [state, seq])).toEqual([
    ['final', 1],
    ['final', 1],
  ]);
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1157', spendable: '1157' });
  expect(await bankOf(stage)).toMatchObject({ hold: '0' });
  await expectSound(stage);
});

test('a displacement that a reorg takes back lands under its first number', async () => {
  const stage = await staged();
  await stage.send(alice, credit('c1', 100n));
  await stage.planAll();
  stage.mine(() => stage.chain.landForeign(0, alice, BANK, 7n));
  await stage.deliverAll();
  expect(await alertsOf(stage)).toEqual({ ITEM_DISPLACED: 1, REF_UNKNOWN: 1 });
  stage.chain.revert(1);
  await stage.landAll();
  await stage.finalizeAll();
  expect(await accountOf(stage)).toMatchObject({ chain_balance: '1100', spendable: '1100' });
  await expectSound(stage);
});

test('the same messages again, or from before, have no further effect', async () => {
  const stage = await staged();
  await stage.send(alice, credit('c1', 100n));
  await stage.planAll();
  await stage.landAll();
  const before = await accountOf(stage);
  const log = stage.chain.logs[0] ?? [];
  stage.chain.logs[0]?.push(...log);
  await stage.deliverAll();
  expect(await accountOf(stage)).toEqual(before);
  await expectSound(stage);
});

test('a crash before the commit leaves nothing of the batch, one after it leaves all', async () => {
  for (const point of ['mirror.writing', 'mirror.committed'] as const) {
    const stage = await staged();
    await stage.send(alice, credit('c1', 100n));
    await stage.planAll();
    const context: { crash: Crash } = stage.context;
    context.crash = (name) => {
      if (name === point) throw new Error('crashed');
    };
    await expect(stage.landAll()).rejects.toThrow('crashed');
    context.crash = noCrash;
    const landed = point === 'mirror.committed' ? '1100' : '1000';
    expect(await accountOf(stage)).toMatchObject({ chain_balance: landed });
    await stage.deliverAll();
    expect(await accountOf(stage)).toMatchObject({ chain_balance: '1100' });
    await expectSound(stage);
  }
});

test('a higher epoch folds everything anew, and new risk waits until all partitions are final', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, win('w1', 'b1', 250n));
  await stage.planAll();
  await stage.landAll();
  await stage.send(alice, bet('b2', 100n, 300n));
  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  await stage.landAll();
  await stage.finalizeAll();
  const before = [await accountOf(stage), await bankOf(stage)];
  stage.chain.loseBlocks(1);
  stage.chain.raiseEpoch();
  while ((await stage.deliver(0)) > 0);
  expect(await statesOf(stage, 'b2')).toEqual(['planned']);
  expect(resultOf(await stage.send(alice, credit('c1', 1n)))).toBe('DEPLOYMENT_REBUILDING');
  stage.chain.finalizeTo(stage.chain.height());
  await stage.deliver(0, 500);
  expect(resultOf(await stage.send(alice, credit('c1', 1n)))).toBe('DEPLOYMENT_REBUILDING');
  await stage.deliverAll();
  expect(await statesOf(stage, 'b1')).toEqual(['final', 'final']);
  await stage.landAll();
  await stage.finalizeAll();
  expect([await accountOf(stage), await bankOf(stage)]).toEqual(before);
  expect(resultOf(await stage.send(alice, credit('c1', 1n)))).toBe('1051');
  await expectSound(stage);
});

test('the audit names the field of a row that was changed by hand', async () => {
  const stage = await staged();
  await stage.context.journal.transaction(async (tx) => {
    await tx.updateTable('account').set({ chain_balance: '999' }).execute();
  });
  const found = await checkLedger(stage.context, stage.deployment);
  expect(found).toContainEqual({
    account: `seat:${alice}`,
    field: 'chain_balance',
    expected: '1000',
    got: '999',
  });
});

test('headroom never rises by what is not final', async () => {
  const stage = await staged();
  const headroom = async () => {
    const bank = await bankOf(stage);
    return bank ? headroomOf(bank) : 0n;
  };
  await stage.send(alice, bet('b1', 100n, 300n));
  stage.passMs(PLAY_WINDOW_MS);
  await stage.planAll();
  const held = await headroom();
  await stage.landAll();
  expect(await headroom()).toBe(held);
  await stage.send(alice, win('w1', 'b1', 0n));
  await stage.planAll();
  await stage.landAll();
  expect(await headroom()).toBe(held);
  stage.chain.revert(1);
  await stage.deliverAll();
  expect(await headroom()).toBe(held);
  await stage.landAll();
  await stage.finalizeAll();
  expect(await headroom()).toBe(held + 300n);
});
