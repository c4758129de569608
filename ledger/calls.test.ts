import { expect, onTestFinished, test } from 'vitest';
import { callsInState, findCall, insertCalls, setCallState } from './calls.ts';
import { openStage, playerOf } from './test/stage.ts';

const to = playerOf(1);

async function staged() {
  const stage = await openStage({ bankroll: 1n });
  onTestFinished(() => stage.close());
  return stage;
}

test('a chain of calls is written once, each after the one before', async () => {
  const { context, deployment } = await staged();
  const calls = [
    { callKey: 'deposit', to, data: '0x01' },
    { callKey: 'sit', to, data: '0x02' },
  ] as const;
  const first = await insertCalls(context, { deployment, calls });
  expect(await insertCalls(context, { deployment, calls })).toEqual(first);
  expect(first.map(({ after_call, state }) => [after_call, state])).toEqual([
    [null, 'pending'],
    [first[0]?.call, 'pending'],
  ]);
  const pending = await callsInState(context, { deployment, states: ['pending'], max: 10 });
  expect(pending).toEqual(first);
});

test('a call that fails fails what waits for it', async () => {
  const { context, deployment, fence } = await staged();
  const [deposit, sit] = await insertCalls(context, {
    deployment,
    calls: [
      { callKey: 'deposit', to, data: '0x01' },
      { callKey: 'sit', to, data: '0x02' },
    ],
  });
  const call = deposit?.call ?? 0;
  await setCallState(context, { fence, call, state: 'failed', error: 'DeadlinePassed' });
  expect(await findCall(context, deployment, sit?.call ?? 0)).toMatchObject({
    state: 'failed',
    error: 'DeadlinePassed',
  });
  expect(await findCall(context, 'another deployment', call)).toBeUndefined();
});
