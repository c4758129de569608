import { expect, onTestFinished, test } from 'vitest';
import { activeDeployment, findDeployment, registerDeployment } from './deployments.ts';
import { findSession, openSession } from './sessions.ts';
import { bet, openStage, playerOf, resultOf, STAGE_FACTS } from './test/stage.ts';

const alice = playerOf(0);

async function staged() {
  const stage = await openStage({ bankroll: 100_000n });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 1_000n);
  return stage;
}

test('the same facts are the same deployment, with one lane per shard', async () => {
  const { context, deployment } = await staged();
  expect((await registerDeployment(context, STAGE_FACTS)).deployment).toBe(deployment);
  const lanes = await context.journal.read.selectFrom('lane').selectAll().execute();
  expect(lanes.map(({ lane }) => lane)).toEqual([0, 1, 2, 3]);
});

test('a chain that was reset begins a new deployment; the old one is readable and takes nothing', async () => {
  const stage = await staged();
  const { context, deployment } = stage;
  const session = await openSession(context, {
    deployment,
    provider: 'dice',
    brand: '',
    player: alice,
    ttlMs: 60_000,
    tokenBytes: new Uint8Array(32).fill(1),
  });
  expect(session).toMatchObject({ balance: '1000', player: alice });
  expect(await findSession(context, session.token)).toMatchObject({ state: 'live', deployment });
  const fresh = await registerDeployment(context, {
    ...STAGE_FACTS,
    deployedBlockHash: `0x${'02'.repeat(32)}`,
  });
  expect(fresh.deployment).not.toBe(deployment);
  expect((await activeDeployment(context, STAGE_FACTS.chainId))?.deployment).toBe(fresh.deployment);
  expect(await findDeployment(context, deployment)).toMatchObject({ state: 'retired' });
  expect(await findSession(context, session.token)).toMatchObject({ state: 'retired' });
  expect(resultOf(await stage.send(alice, bet('b1', 1n, 2n)))).toBe('DEPLOYMENT_NOT_ACTIVE');
});

test('a deployment that comes back is in use again once the chain confirmed it', async () => {
  const { context, deployment, finalizeAll } = await staged();
  await registerDeployment(context, { ...STAGE_FACTS, deployedBlockHash: `0x${'02'.repeat(32)}` });
  expect((await registerDeployment(context, STAGE_FACTS)).state).toBe('rebuilding');
  await finalizeAll();
  expect(await findDeployment(context, deployment)).toMatchObject({ state: 'active' });
});

test('a session ends with its time, needs a seat, and is stored without its token', async () => {
  const { context, deployment, passMs } = await staged();
  const args = { deployment, provider: 'dice', brand: '', ttlMs: 1_000 };
  const tokenBytes = new Uint8Array(32).fill(5);
  const { token } = await openSession(context, { ...args, player: alice, tokenBytes });
  passMs(1_000);
  expect(await findSession(context, token)).toMatchObject({ state: 'expired' });
  expect(await findSession(context, 'no such token')).toBeUndefined();
  await expect(
    openSession(context, { ...args, player: playerOf(9), tokenBytes }),
  ).rejects.toMatchObject({ code: 'PLAYER_UNKNOWN' });
  const rows = await context.journal.read.selectFrom('session').selectAll().execute();
  expect(rows.map(({ token_hash }) => Buffer.from(token_hash).toString('base64url'))).not.toContain(
    token,
  );
});
