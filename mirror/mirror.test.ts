import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type AccountCache, createAccountCache } from '../ledger/accountCache.ts';
import { checkLedger } from '../ledger/audit.ts';
import type { LedgerContext } from '../ledger/ledger.ts';
import { findAccount } from '../ledger/reads.ts';
import { carry, credit, LATER_S, openStage, playerOf, type Stage } from '../ledger/test/stage.ts';
import type { BusRecord } from '../platform/bus/bus.ts';
import { openSqliteBus } from '../platform/bus/sqlite.ts';
import { createMemoryCache } from '../platform/cache/memory.ts';
import { systemClock } from '../platform/clock.ts';
import { CroupierError } from '../platform/errors.ts';
import { createMirror, type Mirror, type PartitionStatus } from './mirror.ts';

/** Of partition 0 and of partition 1. */
const players = [playerOf(0), playerOf(1)] as const;

async function staged() {
  const stage = await openStage({ bankroll: 100_000n });
  const folder = await mkdtemp(join(tmpdir(), 'croupier-mirror-'));
  const bus = await openSqliteBus({ path: join(folder, 'bus.sqlite'), clock: systemClock });
  await bus.ensureTopic('croupier.chain', 2);
  const mirrors: Mirror[] = [];
  const cacheTime = { nowMs: 0 };
  const accounts: AccountCache = createAccountCache({
    ledger: stage.context,
    cache: createMemoryCache({
      clock: { ...systemClock, nowMs: () => cacheTime.nowMs },
      maxKeys: 10,
    }),
    onError: (error) => expect.unreachable(String(error)),
  });
  const published = [0, 0];
  onTestFinished(async () => {
    for (const mirror of mirrors) await mirror.stop();
    await bus.close();
    await stage.close();
    await rm(folder, { recursive: true });
  });

  /** Publishes what the model chain's stream has more, and `change`d if asked for. */
  async function publish(change: (record: BusRecord) => BusRecord[] = (record) => [record]) {
    for (const [partition, log] of stage.chain.logs.entries()) {
      const fresh = log.slice(published[partition]);
      published[partition] = log.length;
      await bus.publish(fresh.map((message) => carry(message, 0)).flatMap(change));
    }
  }

  async function startMirror(ledger: LedgerContext = stage.context): Promise<Mirror> {
    const { deployment } = stage;
    const mirror = createMirror({ ledger, accounts, bus, deployment, consumer: 'real' });
    mirrors.push(mirror);
    await mirror.start();
    return mirror;
  }

  // The stage applied its bank by itself, under another consumer's name.
  await stage.context.journal.transaction(async (tx) => {
    await tx.updateTable('position').set({ consumer: 'real' }).execute();
  });
  await publish();
  return { stage, publish, startMirror, accounts, cacheTime };
}

function seatBoth({ chain, mine }: Stage, amount: bigint): void {
  mine(() => {
    for (const player of players) chain.fundSeat(player, amount, 1_000n, LATER_S);
  });
  chain.finalizeTo(chain.height());
}

async function spendableOf(stage: Stage): Promise<(string | undefined)[]> {
  const found = players.map((player) => findAccount(stage.context, stage.deployment, player));
  return (await Promise.all(found)).map((account) => account?.spendable);
}

async function untilStatus(
  mirror: Mirror,
  holds: (status: PartitionStatus[]) => boolean,
): Promise<PartitionStatus[]> {
  await expect.poll(async () => holds(await mirror.status()), { timeout: 5_000 }).toBe(true);
  return await mirror.status();
}

const caughtUp = (status: PartitionStatus[]) => status.every(({ lag }) => lag === 0);

test('every partition is applied, before and after a restart', async () => {
  const { stage, publish, startMirror } = await staged();
  const first = await startMirror();
  seatBoth(stage, 500n);
  await publish();
  await untilStatus(first, caughtUp);
  expect(await spendableOf(stage)).toEqual(['500', '500']);
  await first.stop();
  seatBoth(stage, 70n);
  await publish();
  const status = await untilStatus(await startMirror(), caughtUp);
  expect(await spendableOf(stage)).toEqual(['570', '570']);
  expect(status.map(({ finalBlock, state }) => ({ finalBlock, state }))).toEqual([
    { finalBlock: stage.chain.height(), state: 'running' },
    { finalBlock: stage.chain.height(), state: 'running' },
  ]);
  expect(await checkLedger(stage.context, stage.deployment)).toEqual([]);
});

test('messages that come twice or belong to another deployment have no effect', async () => {
  const { stage, publish, startMirror } = await staged();
  seatBoth(stage, 500n);
  await publish((record) => [
    record,
    { ...record, headers: { ...record.headers, deployment: '0xother' }, value: 'not even JSON' },
    record,
  ]);
  await untilStatus(await startMirror(), caughtUp);
  expect(await spendableOf(stage)).toEqual(['500', '500']);
});

test('a message that is missing halts its partition with a name, and no other', async () => {
  const { stage, publish, startMirror } = await staged();
  seatBoth(stage, 500n);
  let dropped = false;
  await publish((record) => {
    if (record.partition === 1 && !dropped) {
      dropped = true;
      return [];
    }
    return [record];
  });
  const mirror = await startMirror();
  const status = await untilStatus(
    mirror,
    ([zero, one]) => zero?.lag === 0 && one?.state === 'halted',
  );
  expect(status[1]?.error?.code).toBe('MIRROR_GAP');
  expect(status[1]?.lag).toBeGreaterThan(0);
  expect(await spendableOf(stage)).toEqual(['500', undefined]);
});

test('what fails for a while is tried again and loses nothing', async () => {
  const { stage, publish, startMirror } = await staged();
  let failures = 3;
  const ledger: LedgerContext = {
    ...stage.context,
    clock: systemClock,
    crash: (point) => {
      if (point !== 'mirror.writing' || failures === 0) return;
      failures -= 1;
      throw new CroupierError({ code: 'DISK_FULL', errorClass: 'retryable', message: 'disk full' });
    },
  };
  seatBoth(stage, 500n);
  await publish();
  await untilStatus(await startMirror(ledger), caughtUp);
  expect(failures).toBe(0);
  expect(await spendableOf(stage)).toEqual(['500', '500']);
});

test('a cached account that a crash kept old is healed by the next write, and by its expiry', async () => {
  const { stage, publish, startMirror, accounts, cacheTime } = await staged();
  let dying = false;
  let commits = 0;
  const ledger: LedgerContext = {
    ...stage.context,
    clock: systemClock,
    crash: (point) => {
      if (point !== 'mirror.committed') return;
      commits += 1;
      if (dying) throw new Error('crashed');
    },
  };
  await startMirror(ledger);
  const shown = async () => (await accounts.find(stage.deployment, players[0]))?.balance;
  const add = async (amount: bigint) => {
    const before = commits;
    seatBoth(stage, amount);
    await publish();
    // A commit is visible before the mirror goes on.
    await expect.poll(() => commits, { timeout: 5_000 }).toBe(before + players.length);
  };
  await add(500n);
  await expect.poll(shown).toBe('500');
  dying = true;
  await add(70n);
  expect(await spendableOf(stage)).toEqual(['570', '570']);
  expect(await shown()).toBe('500');
  dying = false;
  await add(5n);
  await expect.poll(shown).toBe('575');
  dying = true;
  await add(3n);
  cacheTime.nowMs += 59_999;
  expect(await shown()).toBe('575');
  cacheTime.nowMs += 1;
  expect(await shown()).toBe('578');
});

test('an event that cannot be applied halts the partition and is not skipped', async () => {
  const { stage, publish, startMirror } = await staged();
  seatBoth(stage, 500n);
  await publish();
  const mirror = await startMirror();
  await untilStatus(mirror, caughtUp);
  await stage.send(players[0], credit('c1', 10n));
  await stage.planAll();
  stage.chain.begin();
  await stage.landItems(0);
  stage.chain.end();
  await publish((record) => [{ ...record, value: record.value.replace('"amount"', '"am"') }]);
  const [zero] = await untilStatus(mirror, ([one]) => one?.state === 'halted');
  expect(zero).toMatchObject({ error: { code: 'EVENT_MALFORMED' }, lag: 1 });
});
