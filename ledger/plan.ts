import type { Insertable, Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Address, Hex } from 'viem';
import { encodeUnit } from '../contracts/encoding/batch.ts';
import type { SettleOutcome, Unit } from '../contracts/encoding/unit.ts';
import { CroupierError } from '../platform/errors.ts';
import { slices } from './balances.ts';
import { type BetRow, providerKey } from './decide.ts';
import { type EvidenceRequest, evidenceLeaf } from './evidence.ts';
import { roundHash } from './keys.ts';
import { checkFence } from './leases.ts';
import type { LedgerContext, LedgerTransaction, PlanLane } from './ledger.ts';
import { hexOf } from './prepare.ts';
import type { IntentTable, ItemTable, LandingTable, SlotTable } from './schema.ts';

type IntentRow = Selectable<IntentTable>;
type SlotRow = Selectable<SlotTable>;

/** The rows that planning works on, and what it makes of them. */
interface Plan {
  readonly deployment: string;
  readonly operatorNo: number;
  readonly lane: number;
  readonly nowMs: number;
  readonly bets: Map<string, BetRow>;
  /** State of each bet's own intent, by hex bet key. */
  readonly betStates: ReadonlyMap<string, IntentRow['state']>;
  readonly dueMs: ReadonlyMap<string, number>;
  readonly requests: ReadonlyMap<string, EvidenceRequest>;
  readonly slots: Map<number, SlotRow>;
  readonly freeSlots: number[];
  nextSlot: number;
  nextSeq: number;
  readonly changedBets: Set<string>;
  readonly changedSlots: Set<number>;
  readonly items: Insertable<ItemTable>[];
  readonly landings: LandingTable[];
}

/**
 * Numbers up to `max` pending intents of the lane, players one after another and each player's in
 * their order, fixes the bytes of their items and commits. A bet becomes one PLAY with its win; a bet
 * without a result that is still in its play window is passed over; else it is opened as a page of
 * one, which its win or void settles. Resolves to the number of items made.
 * @throws CroupierError `LEASE_LOST` (retryable)
 */
export const planLane: PlanLane = async (context, args) => {
  const items = await context.journal.transaction(async (tx) => {
    await checkFence(context, tx, args.fence);
    const ready = await readReady(context, tx, args);
    if (ready.length === 0) return 0;
    const plan = await openPlan(context, tx, args, ready);
    planIntents(plan, ready);
    await writePlan(tx, plan);
    return plan.items.length;
  });
  if (items > 0) context.crash('plan.committed');
  return items;
};

/** The oldest pending intents that are due, and the wins of the bets among them. */
async function readReady(
  context: LedgerContext,
  tx: LedgerTransaction,
  args: { deployment: string; lane: number; max: number },
): Promise<IntentRow[]> {
  const pending = tx
    .selectFrom('intent')
    .selectAll()
    .where('deployment', '=', args.deployment)
    .where('lane', '=', args.lane)
    .where(sql<boolean>`state = 'pending'`);
  const ready = await pending
    .where('plan_after_ms', '<=', context.clock.nowMs())
    .orderBy('intent')
    .limit(args.max)
    .execute();
  const seen = new Set(ready.map(({ intent }) => intent));
  const bets = ready.filter(({ kind }) => kind === 'bet');
  for (const some of slices(bets)) {
    const wins = await pending
      .where('kind', '=', 'win')
      .where(
        'bet_key',
        'in',
        some.map(({ bet_key }) => bet_key),
      )
      .execute();
    ready.push(...wins.filter(({ intent }) => !seen.has(intent)));
  }
  return ready.toSorted((a, b) =>
    a.player === b.player ? a.player_seq - b.player_seq : a.player < b.player ? -1 : 1,
  );
}

async function openPlan(
  context: LedgerContext,
  tx: LedgerTransaction,
  args: { deployment: string; lane: number },
  ready: readonly IntentRow[],
): Promise<Plan> {
  const { deployment, lane } = args;
  const { operator_no } = await tx
    .selectFrom('deployment')
    .select('operator_no')
    .where('deployment', '=', deployment)
    .executeTakeFirstOrThrow();
  const { next_seq } = await context.journal
    .lockRows(
      tx
        .selectFrom('lane')
        .select('next_seq')
        .where('deployment', '=', deployment)
        .where('lane', '=', lane),
    )
    .executeTakeFirstOrThrow();
  const bets = new Map<string, BetRow>();
  const betStates = new Map<string, IntentRow['state']>();
  const requests = new Map<string, EvidenceRequest>();
  for (const some of slices(ready)) {
    const betKeys = some.map(({ bet_key }) => bet_key);
    const query = tx
      .selectFrom('bet')
      .selectAll()
      .where('deployment', '=', deployment)
      .where('bet_key', 'in', betKeys)
      .orderBy('bet_key');
    for (const bet of await context.journal.lockRows(query).execute()) {
      bets.set(hexOf(bet.bet_key), bet);
    }
    const states = await tx
      .selectFrom('intent')
      .select(['bet_key', 'state'])
      .where('deployment', '=', deployment)
      .where('bet_key', 'in', betKeys)
      .where('kind', '=', 'bet')
      .execute();
    for (const { bet_key, state } of states) betStates.set(hexOf(bet_key), state);
    const sent = await tx
      .selectFrom('request')
      .select(['request_key', 'body', 'signature'])
      .where('deployment', '=', deployment)
      .where(
        'request_key',
        'in',
        some.map(({ request_key }) => request_key),
      )
      .execute();
    for (const row of sent) requests.set(hexOf(row.request_key), row);
  }
  const providers = await tx
    .selectFrom('provider')
    .select(['provider', 'brand', 'due_ms'])
    .execute();
  return {
    deployment,
    operatorNo: operator_no,
    lane,
    nowMs: context.clock.nowMs(),
    bets,
    betStates,
    dueMs: new Map(providers.map((row) => [providerKey(row.provider, row.brand), row.due_ms])),
    requests,
    ...(await readSlots(tx, args, ready.length, [...bets.values()])),
    nextSeq: next_seq,
    changedBets: new Set(),
    changedSlots: new Set(),
    items: [],
    landings: [],
  };
}

async function readSlots(
  tx: LedgerTransaction,
  args: { deployment: string; lane: number },
  opensMax: number,
  bets: readonly BetRow[],
): Promise<Pick<Plan, 'slots' | 'freeSlots' | 'nextSlot'>> {
  const ofLane = tx
    .selectFrom('slot')
    .selectAll()
    .where('deployment', '=', args.deployment)
    .where('lane', '=', args.lane);
  const free = await ofLane.where('state', '=', 'free').orderBy('slot').limit(opensMax).execute();
  const last = await ofLane.orderBy('slot', 'desc').limit(1).executeTakeFirst();
  const slots = new Map(free.map((row) => [row.slot, row]));
  for (const some of slices(bets.flatMap(({ slot }) => slot ?? []))) {
    for (const row of await ofLane.where('slot', 'in', some).execute()) slots.set(row.slot, row);
  }
  return {
    slots,
    freeSlots: free.map(({ slot }) => slot),
    nextSlot: last === undefined ? 0 : last.slot + 1,
  };
}

function planIntents(plan: Plan, ready: readonly IntentRow[]): void {
  const wins = new Map(
    ready.filter(({ kind }) => kind === 'win').map((win) => [hexOf(win.bet_key), win]),
  );
  const played = new Set<number>();
  for (const intent of ready) {
    const key = hexOf(intent.bet_key);
    if (intent.kind === 'bet') {
      const win = wins.get(key);
      if (win) {
        addItem(plan, playUnit(intent, win), [intent, win]);
        played.add(win.intent);
      } else {
        openPage(plan, key, intent);
      }
    } else if (intent.kind === 'credit') {
      addItem(plan, creditUnit(intent), [intent]);
    } else if (!played.has(intent.intent)) {
      settlePage(plan, key, intent);
    }
  }
}

function playUnit(bet: IntentRow, win: IntentRow): Unit {
  return {
    op: 'play',
    player: bet.player as Address,
    bank: bet.bank,
    stakeUnits: BigInt(bet.amount),
    payoutUnits: BigInt(win.amount),
    refBet: bet.ref as Hex,
    refWin: win.ref as Hex,
  };
}

function creditUnit(intent: IntentRow): Unit {
  return {
    op: 'credit',
    player: intent.player as Address,
    bank: intent.bank,
    amountUnits: BigInt(intent.amount),
    ref: intent.ref as Hex,
  };
}

function openPage(plan: Plan, key: string, intent: IntentRow): void {
  const bet = plan.bets.get(key);
  const dueMs = bet && plan.dueMs.get(providerKey(bet.provider, bet.brand));
  if (!bet || dueMs === undefined) {
    throw new CroupierError({
      code: 'BET_ROW_MISSING',
      errorClass: 'fatal',
      message: `got intent ${intent.intent} without its bet or provider, expected both`,
    });
  }
  const slot = plan.freeSlots.shift() ?? plan.nextSlot++;
  const dueS = Math.floor((plan.nowMs + dueMs) / 1000);
  const seq = plan.nextSeq;
  plan.slots.set(slot, {
    deployment: plan.deployment,
    lane: plan.lane,
    slot,
    state: 'busy',
    open_seq: seq,
    closing_seq: null,
    expired_block: null,
  });
  plan.changedSlots.add(slot);
  plan.bets.set(key, { ...bet, slot, lane: plan.lane, seq, due_s: dueS });
  plan.changedBets.add(key);
  const unit: Unit = {
    op: 'open',
    slot,
    dueS,
    round: roundHash(bet.provider, bet.brand, bet.round),
    bonded: false,
    bets: [{ ...leafOf(bet), ref: intent.ref as Hex }],
  };
  addItem(plan, unit, [intent]);
}

/** A bet whose OPEN is displaced gets a new number first: its result waits until then. */
function settlePage(plan: Plan, key: string, intent: IntentRow): void {
  const bet = plan.bets.get(key);
  if (!bet || plan.betStates.get(key) === 'displaced') return;
  const { slot, seq, due_s } = bet;
  if (slot === null || seq === null || due_s === null) return;
  const place = plan.slots.get(slot);
  if (place?.open_seq === seq) {
    plan.slots.set(slot, { ...place, closing_seq: plan.nextSeq });
    plan.changedSlots.add(slot);
  }
  const unit: Unit = {
    op: 'settle',
    slot,
    preimage: {
      firstSeq: seq,
      dueS: due_s,
      round: roundHash(bet.provider, bet.brand, bet.round),
      bonded: false,
      bets: [leafOf(bet)],
    },
    outcomes: [outcomeOf(bet, intent)],
  };
  addItem(plan, unit, [intent]);
}

function leafOf(bet: BetRow): {
  player: Address;
  bank: number;
  stakeUnits: bigint;
  profitUnits: bigint;
} {
  return {
    player: bet.player as Address,
    bank: bet.bank,
    stakeUnits: BigInt(bet.stake),
    profitUnits: BigInt(bet.max_payout) - BigInt(bet.stake),
  };
}

function outcomeOf(bet: BetRow, intent: IntentRow): SettleOutcome {
  const named = { offset: 0, ref: intent.ref as Hex };
  if (intent.kind === 'void') return { ...named, code: 'void' };
  if (intent.amount === '0') return { ...named, code: 'lost' };
  if (intent.amount === bet.max_payout) return { ...named, code: 'full' };
  return { ...named, code: 'explicit', payoutUnits: BigInt(intent.amount) };
}

function addItem(plan: Plan, unit: Unit, intents: readonly IntentRow[]): void {
  const { deployment, lane, operatorNo } = plan;
  const seq = plan.nextSeq++;
  plan.items.push({
    deployment,
    lane,
    seq,
    bytes: encodeUnit(unit),
    evidence_leaf: evidenceLeaf({
      operatorNo,
      shard: lane,
      seq,
      requests: intents.flatMap(({ request_key }) => plan.requests.get(hexOf(request_key)) ?? []),
    }),
    state: 'planned',
    closed_block: null,
  });
  for (const { intent, attempt } of intents) {
    plan.landings.push({ deployment, intent, attempt, lane, seq });
  }
}

async function writePlan(tx: LedgerTransaction, plan: Plan): Promise<void> {
  const { deployment, lane } = plan;
  for (const rows of slices(plan.items)) await tx.insertInto('item').values(rows).execute();
  for (const rows of slices(plan.landings)) {
    await tx.insertInto('landing').values(rows).execute();
    await tx
      .updateTable('intent')
      .set((row) => ({
        state: 'planned',
        seq: row
          .selectFrom('landing')
          .select('landing.seq')
          .whereRef('landing.deployment', '=', 'intent.deployment')
          .whereRef('landing.intent', '=', 'intent.intent')
          .whereRef('landing.attempt', '=', 'intent.attempt'),
      }))
      .where(
        'intent',
        'in',
        rows.map(({ intent }) => intent),
      )
      .execute();
  }
  for (const rows of slices([...plan.changedBets].flatMap((key) => plan.bets.get(key) ?? []))) {
    await tx
      .insertInto('bet')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['deployment', 'bet_key']).doUpdateSet((row) => ({
          slot: row.ref('excluded.slot'),
          lane: row.ref('excluded.lane'),
          seq: row.ref('excluded.seq'),
          due_s: row.ref('excluded.due_s'),
        })),
      )
      .execute();
  }
  for (const rows of slices([...plan.changedSlots].flatMap((slot) => plan.slots.get(slot) ?? []))) {
    await tx
      .insertInto('slot')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['deployment', 'lane', 'slot']).doUpdateSet((row) => ({
          state: row.ref('excluded.state'),
          open_seq: row.ref('excluded.open_seq'),
          closing_seq: row.ref('excluded.closing_seq'),
          expired_block: row.ref('excluded.expired_block'),
        })),
      )
      .execute();
  }
  await tx
    .updateTable('lane')
    .set({ next_seq: plan.nextSeq })
    .where('deployment', '=', deployment)
    .where('lane', '=', lane)
    .execute();
}
