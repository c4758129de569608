import { sql } from 'kysely';
import {
  type AccountState,
  lockAccounts,
  lockBanks,
  slices,
  writeAccounts,
  writeBanks,
} from './balances.ts';
import type { Deployment } from './deployments.ts';
import { holdOf, pendingOf } from './fold.ts';
import type { LedgerContext, LedgerTransaction } from './ledger.ts';
import { isFunding } from './movement.ts';

interface Finality {
  readonly deployment: Deployment;
  readonly partition: number;
  readonly finalBlock: number;
}

/** What stops to be held back, by player and by bank, to be written once. */
interface Releases {
  readonly credits: Map<string, bigint>;
  readonly pending: Map<string, bigint>;
  readonly gains: Map<number, bigint>;
  /** The part of the gains that no bet brought. */
  readonly funds: Map<number, bigint>;
  readonly hold: Map<number, bigint>;
  readonly creditHold: Map<number, bigint>;
}

/**
 * Makes final what the partition's events at or below the block did: foreign credits and the bank's
 * gains count, landed intents are final, refusals stop to count, displaced actions are pending again
 * under their next attempt, and slots whose closing or expiry is final are free. Resolves to the seats that were
 * written.
 */
export async function finalize(
  context: LedgerContext,
  tx: LedgerTransaction,
  finality: Finality,
): Promise<AccountState[]> {
  const releases: Releases = {
    credits: new Map(),
    pending: new Map(),
    gains: new Map(),
    funds: new Map(),
    hold: new Map(),
    creditHold: new Map(),
  };
  await releaseGains(tx, finality, releases);
  const lanes = lanesOf(finality);
  await finalizeLanded(tx, finality, lanes);
  await finalizeRejected(tx, finality, lanes, releases);
  await replanDisplaced(tx, finality, lanes);
  return await writeReleases(context, tx, finality, releases);
}

/** The lanes whose events come in the partition. */
function lanesOf({ deployment, partition }: Finality): number[] {
  const all = Array.from({ length: deployment.shards }, (_, lane) => lane);
  return all.filter((lane) => lane % deployment.partitions === partition);
}

async function releaseGains(
  tx: LedgerTransaction,
  { deployment, partition, finalBlock }: Finality,
  releases: Releases,
): Promise<void> {
  const gains = await tx
    .selectFrom('entry')
    .select(['account', 'event', 'gain'])
    .where('deployment', '=', deployment.deployment)
    .where('partition', '=', partition)
    .where('block_number', '<=', finalBlock)
    .where(sql<boolean>`final = 0`)
    .where('epoch', '=', deployment.epoch)
    .where('gain', '!=', '0')
    .execute();
  for (const { account, event, gain } of gains) {
    const [kind, name = ''] = account.split(':');
    if (kind === 'seat') add(releases.credits, name, BigInt(gain));
    else {
      add(releases.gains, Number(name), BigInt(gain));
      if (isFunding(event)) add(releases.funds, Number(name), BigInt(gain));
    }
  }
  await tx
    .updateTable('entry')
    .set({ final: 1 })
    .where('deployment', '=', deployment.deployment)
    .where('partition', '=', partition)
    .where('block_number', '<=', finalBlock)
    .where(sql<boolean>`final = 0`)
    .where('epoch', '=', deployment.epoch)
    .execute();
}

async function finalizeLanded(
  tx: LedgerTransaction,
  { deployment: { deployment }, finalBlock }: Finality,
  lanes: readonly number[],
): Promise<void> {
  for (const lane of lanes) {
    await tx
      .updateTable('intent')
      .set({ state: 'final' })
      .where('deployment', '=', deployment)
      .where('lane', '=', lane)
      .where('landed_block', '<=', finalBlock)
      .where(sql<boolean>`state = 'landed'`)
      .execute();
    await tx
      .updateTable('item')
      .set({ state: 'final' })
      .where('deployment', '=', deployment)
      .where('lane', '=', lane)
      .where('closed_block', '<=', finalBlock)
      .where(sql<boolean>`state = 'closed'`)
      .execute();
    await tx
      .updateTable('slot')
      .set({ state: 'free' })
      .where('deployment', '=', deployment)
      .where('lane', '=', lane)
      .where('state', '=', 'busy')
      .where((row) =>
        row.or([
          row('slot.expired_block', '<=', finalBlock),
          row.exists(
            row
              .selectFrom('intent')
              .select('intent.intent')
              .whereRef('intent.deployment', '=', 'slot.deployment')
              .whereRef('intent.lane', '=', 'slot.lane')
              .whereRef('intent.seq', '=', 'slot.closing_seq')
              .where('intent.state', '=', 'final'),
          ),
        ]),
      )
      .execute();
  }
}

async function finalizeRejected(
  tx: LedgerTransaction,
  { deployment: { deployment }, finalBlock }: Finality,
  lanes: readonly number[],
  releases: Releases,
): Promise<void> {
  const rejected = await tx
    .selectFrom('intent')
    .selectAll()
    .where('deployment', '=', deployment)
    .where('lane', 'in', lanes)
    .where('landed_block', '<=', finalBlock)
    .where(sql<boolean>`state = 'rejected'`)
    .execute();
  if (rejected.length === 0) return;
  for (const { kind, player, bank, delta, hold } of rejected) {
    add(releases.pending, player, pendingOf('rejected', BigInt(delta)));
    const held = holdOf('rejected', BigInt(hold));
    add(releases.hold, bank, held);
    if (kind === 'credit') add(releases.creditHold, bank, held);
  }
  for (const some of slices(rejected)) {
    const ids = some.map(({ intent }) => intent);
    await tx
      .updateTable('intent')
      .set({ state: 'rejected_final' })
      .where('intent', 'in', ids)
      .execute();
  }
  await freeRefusedSlots(tx, deployment, lanes);
}

/** A page that was never opened leaves its slot, once its settlement, if one is planned, is over too. */
async function freeRefusedSlots(
  tx: LedgerTransaction,
  deployment: string,
  lanes: readonly number[],
): Promise<void> {
  const busy = await tx
    .selectFrom('slot')
    .innerJoin('intent as open', (join) =>
      join
        .onRef('open.deployment', '=', 'slot.deployment')
        .onRef('open.lane', '=', 'slot.lane')
        .onRef('open.seq', '=', 'slot.open_seq'),
    )
    .leftJoin('intent as closing', (join) =>
      join
        .onRef('closing.deployment', '=', 'slot.deployment')
        .onRef('closing.lane', '=', 'slot.lane')
        .onRef('closing.seq', '=', 'slot.closing_seq'),
    )
    .select(['slot.lane', 'slot.slot'])
    .where('slot.deployment', '=', deployment)
    .where('slot.lane', 'in', lanes)
    .where('slot.state', '=', 'busy')
    .where('open.state', '=', 'rejected_final')
    .where((row) =>
      row.or([row('slot.closing_seq', 'is', null), row('closing.state', '=', 'rejected_final')]),
    )
    .execute();
  for (const { lane, slot } of busy) {
    await tx
      .updateTable('slot')
      .set({ state: 'free' })
      .where('deployment', '=', deployment)
      .where('lane', '=', lane)
      .where('slot', '=', slot)
      .execute();
  }
}

/**
 * A displaced OPEN leaves its slot busy for good: whoever used its number may have opened a page there.
 */
async function replanDisplaced(
  tx: LedgerTransaction,
  { deployment: { deployment }, finalBlock }: Finality,
  lanes: readonly number[],
): Promise<void> {
  const displaced = await tx
    .selectFrom('intent')
    .select(['intent', 'bet_key', 'kind', 'attempt'])
    .where('deployment', '=', deployment)
    .where('lane', 'in', lanes)
    .where('landed_block', '<=', finalBlock)
    .where(sql<boolean>`state = 'displaced'`)
    .execute();
  for (const { intent, bet_key, kind, attempt } of displaced) {
    await tx
      .updateTable('intent')
      .set({
        state: 'pending',
        attempt: attempt + 1,
        seq: null,
        plan_after_ms: 0,
        landed_block: null,
        landed_tx: null,
      })
      .where('intent', '=', intent)
      .execute();
    if (kind !== 'bet') continue;
    await tx
      .updateTable('bet')
      .set({ slot: null, lane: null, seq: null, due_s: null })
      .where('deployment', '=', deployment)
      .where('bet_key', '=', bet_key)
      .execute();
  }
}

function add<Key>(sums: Map<Key, bigint>, key: Key, units: bigint): void {
  sums.set(key, (sums.get(key) ?? 0n) + units);
}

async function writeReleases(
  context: LedgerContext,
  tx: LedgerTransaction,
  { deployment: { deployment } }: Finality,
  { credits, pending, gains, funds, hold, creditHold }: Releases,
): Promise<AccountState[]> {
  const players = [...credits.keys(), ...pending.keys()];
  const locked = await lockAccounts(context, tx, deployment, players);
  const accounts = [...locked.values()];
  for (const account of accounts) {
    account.unfinalCredits -= credits.get(account.player) ?? 0n;
    account.pending -= pending.get(account.player) ?? 0n;
  }
  await writeAccounts(tx, accounts);
  const banks = await lockBanks(context, tx, deployment, [...gains.keys(), ...hold.keys()]);
  for (const bank of banks.values()) {
    bank.unfinalGains -= gains.get(bank.bank) ?? 0n;
    bank.unfinalFunds -= funds.get(bank.bank) ?? 0n;
    bank.hold -= hold.get(bank.bank) ?? 0n;
    bank.creditHold -= creditHold.get(bank.bank) ?? 0n;
  }
  await writeBanks(tx, [...banks.values()]);
  return accounts;
}
