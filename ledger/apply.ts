import { sql } from 'kysely';
import type { ChainEventMessage, FinalityMessage } from '../contracts/encoding/message.ts';
import { CroupierError } from '../platform/errors.ts';
import {
  type AccountState,
  lockAccounts,
  lockBanks,
  slices,
  writeAccounts,
  writeBanks,
} from './balances.ts';
import { dayOf, readDays, writeDays } from './bankDay.ts';
import type { Deployment } from './deployments.ts';
import { expiredPage } from './expired.ts';
import { finalize } from './finalize.ts';
import { type Fold, numberKey, placeOf } from './fold.ts';
import { landIntents, refsOf } from './land.ts';
import type { ApplyMessages, LedgerContext, LedgerTransaction } from './ledger.ts';
import { applyMoney } from './money.ts';
import { hexOf } from './prepare.ts';
import { retractIntents } from './retract.ts';

/** Events whose entry keeps what they replaced. */
const REPLACING = new Set([
  'SeatFunded',
  'SeatEnding',
  'Released',
  'LimitsSet',
  'Paused',
  'Halted',
  'Resumed',
  'PayoutSet',
  'ExitRequested',
  'ExitCancelled',
  'BankExited',
  'Played',
  'Settled',
]);

/** `Codes.PAGE_MISMATCH` of the contract. */
const PAGE_MISMATCH = '9';

/**
 * Applies consecutive messages of one partition of one deployment, all in the current epoch, inside
 * the caller's transaction: events and retractions in their order, each row read and written once,
 * then the highest finality among them. Finality may come last: a later event is above it.
 * @throws CroupierError `OPEN_BET_MISSING`, `EVENT_MALFORMED`, `RETRACTED_BELOW_FINAL`,
 * `DEPLOYMENT_UNKNOWN` (all fatal: the partition halts, nothing is skipped)
 */
export const applyMessages: ApplyMessages = async (context, tx, messages) => {
  const [first] = messages;
  if (!first) return [];
  const deployment = await tx
    .selectFrom('deployment')
    .selectAll()
    .where('deployment', '=', first.deployment)
    .executeTakeFirst();
  if (!deployment) {
    throw new CroupierError({
      code: 'DEPLOYMENT_UNKNOWN',
      errorClass: 'fatal',
      message: `got messages of deployment ${first.deployment}, expected a registered one`,
    });
  }
  const events = messages.filter((message) => message.type !== 'finality');
  const written = events.length > 0 ? await applyEvents(context, tx, deployment, events) : [];
  const finalities = messages.filter(
    (message): message is FinalityMessage => message.type === 'finality',
  );
  if (finalities.length === 0) return written;
  const finalBlock = Math.max(...finalities.map(({ blockNumber }) => blockNumber));
  const finality = { deployment, partition: first.partition, finalBlock };
  return [...written, ...(await finalize(context, tx, finality))];
};

async function applyEvents(
  context: LedgerContext,
  tx: LedgerTransaction,
  deployment: Deployment,
  messages: readonly ChainEventMessage[],
): Promise<AccountState[]> {
  const fold = await openFold(context, tx, deployment, messages);
  for (const message of messages) {
    const retracted = message.sign < 0;
    const replaced =
      retracted && REPLACING.has(message.event) ? await findReplaced(tx, fold, message) : undefined;
    applyMoney(fold, message, replaced);
    if (retracted) retractIntents(fold, message);
    else landIntents(fold, message);
  }
  return await writeFold(context, tx, fold);
}

async function openFold(
  context: LedgerContext,
  tx: LedgerTransaction,
  deployment: Deployment,
  messages: readonly ChainEventMessage[],
): Promise<Fold> {
  const places = messages.flatMap((message) => placeOf(deployment, message) ?? []);
  const expired = messages.flatMap((message) => {
    const page = expiredPage(deployment, message);
    return (page?.seqs ?? []).map((seq) => ({ lane: page?.lane ?? 0, seq }));
  });
  const intents = await readIntents(tx, deployment.deployment, messages, [...places, ...expired]);
  const bets = await lockBets(
    context,
    tx,
    deployment.deployment,
    expired.flatMap(({ lane, seq }) => intents.byNumber.get(numberKey(lane, seq)) ?? []),
  );
  const openBets = await readOpenBets(tx, deployment, messages, expired);
  const openRows = [...openBets.values()].filter((row) => row !== null);
  const players = messages.flatMap(({ args }) =>
    typeof args.player === 'string' ? [args.player] : [],
  );
  const banks = messages.flatMap(({ args }) =>
    typeof args.bank === 'string' ? [Number(args.bank)] : [],
  );
  const rows = [...intents.byRef.values()];
  const banksOfBets = [...places, ...openRows].map(({ bank }) => bank);
  return {
    deployment,
    accounts: await lockAccounts(context, tx, deployment.deployment, [
      ...players,
      ...openRows.map(({ player }) => player),
      ...rows.map(({ player }) => player),
    ]),
    banks: await lockBanks(context, tx, deployment.deployment, [
      ...banks,
      ...banksOfBets,
      ...rows.map(({ bank }) => bank),
    ]),
    intentsByNumber: intents.byNumber,
    intentsByRef: intents.byRef,
    openBets,
    days: await readDays(tx, {
      deployment: deployment.deployment,
      partition: messages[0]?.partition ?? 0,
      banks: banksOfBets,
      days: messages.map(({ blockTime }) => dayOf(blockTime)),
    }),
    bets,
    entries: [],
    closings: new Map(),
    expiredSlots: new Map(),
    alerts: [],
    changedAccounts: new Set(),
    changedBanks: new Set(),
    changedIntents: new Set(),
    changedOpenBets: new Set(),
    changedDays: new Set(),
    changedBets: new Set(),
  };
}

/** The intents that stand at the events' numbers, and those that the events name. */
async function readIntents(
  tx: LedgerTransaction,
  deployment: string,
  messages: readonly ChainEventMessage[],
  places: readonly { lane: number; seq: number }[],
): Promise<{ byNumber: Fold['intentsByNumber']; byRef: Fold['intentsByRef'] }> {
  type Row = Fold['intentsByRef'] extends ReadonlyMap<string, infer R> ? R : never;
  const byRef = new Map<string, Row>();
  const byNumber = new Map<string, Row[]>();
  const keep = (rows: readonly Row[]) => {
    for (const row of rows) {
      if (byRef.has(row.ref)) continue;
      byRef.set(row.ref, row);
      if (row.seq === null) continue;
      const key = numberKey(row.lane, row.seq);
      byNumber.set(key, [...(byNumber.get(key) ?? []), row]);
    }
  };
  const query = tx.selectFrom('intent').selectAll().where('deployment', '=', deployment);
  for (const lane of new Set(places.map((place) => place.lane))) {
    const seqs = new Set(places.filter((place) => place.lane === lane).map(({ seq }) => seq));
    for (const some of slices([...seqs])) {
      keep(await query.where('lane', '=', lane).where('seq', 'in', some).execute());
    }
  }
  const missing = new Set(messages.flatMap(refsOf).filter((ref) => !byRef.has(ref)));
  for (const some of slices([...missing])) keep(await query.where('ref', 'in', some).execute());
  const lostPages = messages
    .filter(({ event, args }) => event === 'Rejected' && args.code === PAGE_MISMATCH)
    .flatMap((message) => refsOf(message).flatMap((ref) => byRef.get(ref)?.bet_key ?? []));
  for (const some of slices(lostPages)) {
    keep(await query.where('bet_key', 'in', some).where('kind', '=', 'bet').execute());
  }
  return { byNumber, byRef };
}

/** The bets of the intents, by hex key. */
async function lockBets(
  context: LedgerContext,
  tx: LedgerTransaction,
  deployment: string,
  intents: readonly { bet_key: Uint8Array }[],
): Promise<Fold['bets']> {
  const found = new Map<string, Fold['bets'] extends ReadonlyMap<string, infer R> ? R : never>();
  const keys = new Map(intents.map(({ bet_key }) => [hexOf(bet_key), bet_key]));
  for (const some of slices([...keys].toSorted().map(([, key]) => key))) {
    const query = tx
      .selectFrom('bet')
      .selectAll()
      .where('deployment', '=', deployment)
      .where('bet_key', 'in', some)
      .orderBy('bet_key');
    for (const bet of await context.journal.lockRows(query).execute()) {
      found.set(hexOf(bet.bet_key), bet);
    }
  }
  return found;
}

/** The opened bets that the messages end, or whose end they take back. */
async function readOpenBets(
  tx: LedgerTransaction,
  deployment: Deployment,
  messages: readonly ChainEventMessage[],
  expired: readonly { lane: number; seq: number }[],
): Promise<Fold['openBets']> {
  const found: Fold['openBets'] = new Map();
  const settled = [
    ...messages
      .filter(({ event }) => event === 'Settled' || event === 'Voided')
      .flatMap((message) => placeOf(deployment, message) ?? []),
    ...expired,
  ];
  for (const lane of new Set(settled.map((place) => place.lane))) {
    const seqs = settled.filter((place) => place.lane === lane).map(({ seq }) => seq);
    for (const some of slices(seqs)) {
      const rows = await tx
        .selectFrom('open_bet')
        .selectAll()
        .where('deployment', '=', deployment.deployment)
        .where('lane', '=', lane)
        .where('seq', 'in', some)
        .execute();
      for (const row of rows) found.set(numberKey(row.lane, row.seq), row);
    }
  }
  return found;
}

/** What the retracted event had replaced, from its newest entry: of this run or of an earlier one. */
async function findReplaced(
  tx: LedgerTransaction,
  fold: Fold,
  message: ChainEventMessage,
): Promise<string | undefined> {
  const own = fold.entries.findLast(
    ({ event_id, previous }) => event_id === message.id && previous != null,
  );
  if (own?.previous) return own.previous;
  const row = await tx
    .selectFrom('entry')
    .select('previous')
    .where('deployment', '=', message.deployment)
    .where('partition', '=', message.partition)
    .where('block_number', '=', message.blockNumber)
    .where(sql<boolean>`final = 0`)
    .where('event_id', '=', message.id)
    .where('epoch', '=', message.epoch)
    .where('previous', 'is not', null)
    .orderBy('entry', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.previous ?? undefined;
}

async function writeFold(
  context: LedgerContext,
  tx: LedgerTransaction,
  fold: Fold,
): Promise<AccountState[]> {
  await writeIntents(tx, fold);
  await writeItems(tx, fold);
  await writeOpenBets(tx, fold);
  await writeExpired(tx, fold);
  for (const rows of slices(fold.entries)) await tx.insertInto('entry').values(rows).execute();
  const accounts = [...fold.changedAccounts].flatMap((player) => fold.accounts.get(player) ?? []);
  await writeAccounts(tx, accounts);
  await writeBanks(
    tx,
    [...fold.changedBanks].flatMap((bank) => fold.banks.get(bank) ?? []),
  );
  await writeDays(
    tx,
    fold.deployment.deployment,
    [...fold.changedDays].flatMap((key) => fold.days.get(key) ?? []),
  );
  await writeAlerts(context, tx, fold);
  return accounts;
}

/** Intents with the same outcome are one statement; a batch's are few outcomes. */
async function writeIntents(tx: LedgerTransaction, fold: Fold): Promise<void> {
  const groups = Map.groupBy(fold.changedIntents, (intent) =>
    [intent.state, intent.landed_block, intent.landed_tx, intent.rejection_code].join(' '),
  );
  for (const group of groups.values()) {
    for (const rows of slices(group)) {
      const [one] = rows;
      if (!one) continue;
      await tx
        .updateTable('intent')
        .set({
          state: one.state,
          landed_block: one.landed_block,
          landed_tx: one.landed_tx,
          rejection_code: one.rejection_code,
        })
        .where(
          'intent',
          'in',
          rows.map(({ intent }) => intent),
        )
        .execute();
    }
  }
}

async function writeItems(tx: LedgerTransaction, fold: Fold): Promise<void> {
  const places = [...fold.closings].map(([key, block]) => {
    const [lane, seq] = key.split(':').map(Number);
    return { lane: lane ?? 0, seq: seq ?? 0, block };
  });
  const groups = Map.groupBy(places, ({ lane, block }) => `${lane} ${block}`);
  for (const group of groups.values()) {
    for (const rows of slices(group)) {
      const [one] = rows;
      if (!one) continue;
      await tx
        .updateTable('item')
        .set({ state: one.block === null ? 'planned' : 'closed', closed_block: one.block })
        .where('deployment', '=', fold.deployment.deployment)
        .where('lane', '=', one.lane)
        .where(
          'seq',
          'in',
          rows.map(({ seq }) => seq),
        )
        .execute();
    }
  }
}

async function writeOpenBets(tx: LedgerTransaction, fold: Fold): Promise<void> {
  const opened = [...fold.changedOpenBets].flatMap((key) => fold.openBets.get(key) ?? []);
  for (const rows of slices(opened)) {
    await tx
      .insertInto('open_bet')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['deployment', 'lane', 'seq']).doUpdateSet((row) => ({
          player: row.ref('excluded.player'),
          bank: row.ref('excluded.bank'),
          stake: row.ref('excluded.stake'),
          profit: row.ref('excluded.profit'),
        })),
      )
      .execute();
  }
  for (const key of fold.changedOpenBets) {
    if (fold.openBets.get(key) !== null) continue;
    const [lane, seq] = key.split(':').map(Number);
    await tx
      .deleteFrom('open_bet')
      .where('deployment', '=', fold.deployment.deployment)
      .where('lane', '=', lane ?? 0)
      .where('seq', '=', seq ?? 0)
      .execute();
  }
}

async function writeExpired(tx: LedgerTransaction, fold: Fold): Promise<void> {
  const { deployment } = fold.deployment;
  for (const bet of [...fold.changedBets].flatMap((key) => fold.bets.get(key) ?? [])) {
    await tx
      .updateTable('bet')
      .set({ state: bet.state })
      .where('deployment', '=', deployment)
      .where('bet_key', '=', bet.bet_key)
      .execute();
  }
  for (const { lane, slot, openSeq, block } of fold.expiredSlots.values()) {
    await tx
      .updateTable('slot')
      .set({ expired_block: block })
      .where('deployment', '=', deployment)
      .where('lane', '=', lane)
      .where('slot', '=', slot)
      .where('open_seq', '=', openSeq)
      .execute();
  }
}

async function writeAlerts(
  context: LedgerContext,
  tx: LedgerTransaction,
  fold: Fold,
): Promise<void> {
  for (const [code, alerts] of Map.groupBy(fold.alerts, (alert) => alert.code)) {
    const last = alerts.at(-1);
    if (!last) continue;
    const latest = {
      event_id: last.eventId,
      detail: last.detail,
      updated_ms: context.clock.nowMs(),
    };
    await tx
      .insertInto('alert')
      .values({ deployment: fold.deployment.deployment, code, count: alerts.length, ...latest })
      .onConflict((conflict) =>
        conflict.columns(['deployment', 'code']).doUpdateSet((row) => ({
          ...latest,
          count: row('alert.count', '+', alerts.length),
        })),
      )
      .execute();
  }
}
