import type { Insertable, Selectable } from 'kysely';
import { partitionOfPlayer } from '../contracts/encoding/message.ts';
import { problemAnswer } from './answers.ts';
import {
  type AccountState,
  lockAccounts,
  lockBanks,
  slices,
  writeAccounts,
  writeBanks,
} from './balances.ts';
import { sumDays } from './bankDay.ts';
import { type BetIntent, type BetRow, type Desk, decide, providerKey } from './decide.ts';
import type { Deployment } from './deployments.ts';
import { gateDays } from './gate.ts';
import type { Accept, LedgerContext, LedgerTransaction } from './ledger.ts';
import { GATEWAY_TOPIC } from './outbox.ts';
import { hexOf, type Prepared, prepare } from './prepare.ts';
import type { Provider } from './providers.ts';
import type { AcceptedBody, Answer } from './request.ts';
import type { OutboxTable, RequestTable } from './schema.ts';

type RequestRow = Selectable<RequestTable>;

/**
 * Decides the requests in their order, in one transaction with a fixed number of statements: writes
 * each accepted or finally refused one with its answer, intent and outbox row, and answers what is
 * then durable. A request that came before is answered byte for byte as then; one that is retryable,
 * in conflict, or of an unknown player leaves nothing behind. Answers stand in the order of the
 * requests. Rows are locked in the order bets, seats, banks.
 */
export const accept: Accept = async (context, requests) => {
  if (requests.length === 0) return { answers: [], written: [] };
  const prepared = requests.map((request) => prepare(context.refKey, request));
  const decided = await context.journal.transaction(async (tx) => {
    const found = new Map<Prepared, Answer>();
    const written: AccountState[] = [];
    for (const [deployment, own] of Map.groupBy(prepared, ({ request }) => request.deployment)) {
      written.push(...(await acceptInDeployment(context, tx, deployment, own, found)));
    }
    return { answers: prepared.flatMap((one) => found.get(one) ?? []), written };
  });
  context.crash('accept.committed');
  return decided;
};

async function acceptInDeployment(
  context: LedgerContext,
  tx: LedgerTransaction,
  deployment: string,
  requests: readonly Prepared[],
  answers: Map<Prepared, Answer>,
): Promise<AccountState[]> {
  const row = await tx
    .selectFrom('deployment')
    .selectAll()
    .where('deployment', '=', deployment)
    .executeTakeFirst();
  if (!row || row.state === 'retired') {
    const detail = `got deployment ${deployment}, expected the one in use`;
    for (const one of requests) answers.set(one, problemAnswer('DEPLOYMENT_NOT_ACTIVE', detail));
    return [];
  }
  const stored = await readStored(tx, deployment, requests);
  const desk = await openDesk(context, tx, row, requests);
  const written: RequestRow[] = [];
  const outbox: Insertable<OutboxTable>[] = [];
  for (const prepared of requests) {
    const before = stored.byKey.get(prepared.requestHex);
    const answer = before ? replay(before, prepared) : decideNew(desk, stored.txKeys, prepared);
    answers.set(prepared, answer);
    if (before || answer.outcome === 'failed') continue;
    const kept = requestRow(prepared, answer);
    stored.byKey.set(prepared.requestHex, kept);
    stored.txKeys.add(prepared.txHex);
    written.push(kept);
    outbox.push(outboxRow(desk, prepared, answer));
  }
  return await writeDesk(tx, desk, written, outbox);
}

function decideNew(desk: Desk, takenTxKeys: ReadonlySet<string>, prepared: Prepared): Answer {
  if (!takenTxKeys.has(prepared.txHex)) return decide(desk, prepared);
  return problemAnswer(
    'TRANSACTION_ID_TAKEN',
    `got transaction id ${prepared.request.action.txId} under a new Idempotency-Key, expected a new transaction id`,
  );
}

function requestRow(prepared: Prepared, answer: Answer): RequestRow {
  const { request } = prepared;
  return {
    deployment: request.deployment,
    request_key: prepared.requestKey,
    provider: request.provider,
    brand: request.brand,
    tx_key: prepared.txKey,
    idempotency_key: request.idempotencyKey,
    fingerprint: prepared.fingerprint,
    body: request.received.body,
    signature: request.received.signature,
    answer_status: answer.status,
    answer_body: answer.body,
    received_ms: request.received.atMs,
  };
}

/** Answers of the past by request key, and the transaction ids that are taken. */
async function readStored(
  tx: LedgerTransaction,
  deployment: string,
  requests: readonly Prepared[],
): Promise<{ byKey: Map<string, RequestRow>; txKeys: Set<string> }> {
  const byKey = new Map<string, RequestRow>();
  const txKeys = new Set<string>();
  for (const some of slices(requests)) {
    const rows = await tx
      .selectFrom('request')
      .selectAll()
      .where('deployment', '=', deployment)
      .where(
        'request_key',
        'in',
        some.map(({ requestKey }) => requestKey),
      )
      .execute();
    for (const row of rows) byKey.set(hexOf(row.request_key), row);
    const taken = await tx
      .selectFrom('request')
      .select('tx_key')
      .where('deployment', '=', deployment)
      .where(
        'tx_key',
        'in',
        some.map(({ txKey }) => txKey),
      )
      .execute();
    for (const { tx_key } of taken) txKeys.add(hexOf(tx_key));
  }
  return { byKey, txKeys };
}

async function openDesk(
  context: LedgerContext,
  tx: LedgerTransaction,
  deployment: Deployment,
  requests: readonly Prepared[],
): Promise<Desk> {
  const id = deployment.deployment;
  const bets = new Map<string, BetRow>();
  const betIntents = new Map<string, BetIntent>();
  const keys = new Map(requests.map(({ betHex, betKey }) => [betHex, betKey]));
  for (const some of slices([...keys].toSorted().map(([, key]) => key))) {
    const query = tx
      .selectFrom('bet')
      .selectAll()
      .where('deployment', '=', id)
      .where('bet_key', 'in', some)
      .orderBy('bet_key');
    for (const bet of await context.journal.lockRows(query).execute()) {
      bets.set(hexOf(bet.bet_key), bet);
    }
    const intents = await tx
      .selectFrom('intent')
      .select(['bet_key', 'state', 'hold'])
      .where('deployment', '=', id)
      .where('bet_key', 'in', some)
      .where('kind', '=', 'bet')
      .execute();
    for (const { bet_key, state, hold } of intents) {
      betIntents.set(hexOf(bet_key), { state, hold: BigInt(hold) });
    }
  }
  const providers = await readProviders(tx, requests);
  const players = [
    ...requests.map(({ request }) => request.player),
    ...[...bets.values()].map(({ player }) => player),
  ];
  const banks = [
    ...[...providers.values()].map(({ bank }) => bank),
    ...[...bets.values()].map(({ bank }) => bank),
  ];
  const nowMs = context.clock.nowMs();
  return {
    deployment,
    nowMs,
    providers,
    accounts: await lockAccounts(context, tx, id, players),
    banks: await lockBanks(context, tx, id, banks),
    days: await sumDays(tx, { deployment: id, banks, days: gateDays(Math.floor(nowMs / 1000)) }),
    bets,
    betIntents,
    intents: [],
    changedBets: new Set(),
    readyBets: new Set(),
  };
}

async function readProviders(
  tx: LedgerTransaction,
  requests: readonly Prepared[],
): Promise<Map<string, Provider>> {
  const names = [...new Set(requests.map(({ request }) => request.provider))];
  const rows = await tx.selectFrom('provider').selectAll().where('provider', 'in', names).execute();
  return new Map(rows.map((row) => [providerKey(row.provider, row.brand), row]));
}

function replay(before: RequestRow, { request, fingerprint }: Prepared): Answer {
  if (Buffer.compare(before.fingerprint, fingerprint) !== 0) {
    return problemAnswer(
      'IDEMPOTENCY_CONFLICT',
      `got Idempotency-Key ${request.idempotencyKey} with another request than before, expected the same or a new key`,
    );
  }
  return {
    outcome: before.answer_status < 400 ? 'accepted' : 'refused',
    status: before.answer_status,
    body: before.answer_body,
  };
}

function outboxRow(
  desk: Desk,
  { request, ref }: Prepared,
  answer: Answer,
): Insertable<OutboxTable> {
  const { deployment, partitions } = desk.deployment;
  const { provider, brand, player, game, round, action } = request;
  const body = JSON.parse(answer.body) as AcceptedBody | { code: string };
  const value = {
    type: answer.outcome === 'accepted' ? 'request.accepted' : 'request.refused',
    deployment,
    provider,
    brand,
    player,
    game,
    round,
    action: Object.fromEntries(Object.entries(action).map(([name, fact]) => [name, String(fact)])),
    ref,
    ...('code' in body ? { code: body.code } : { balance: body.balance }),
    receivedMs: request.received.atMs,
    decidedMs: desk.nowMs,
  };
  return {
    deployment,
    topic: GATEWAY_TOPIC,
    partition: partitionOfPlayer(player, partitions),
    key: player,
    value: JSON.stringify(value),
    published: 0,
  };
}

async function writeDesk(
  tx: LedgerTransaction,
  desk: Desk,
  requests: readonly RequestRow[],
  outbox: readonly Insertable<OutboxTable>[],
): Promise<AccountState[]> {
  for (const rows of slices(requests)) await tx.insertInto('request').values(rows).execute();
  const bets = [...desk.changedBets].flatMap((key) => desk.bets.get(key) ?? []);
  for (const rows of slices(bets)) {
    await tx
      .insertInto('bet')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['deployment', 'bet_key']).doUpdateSet((row) => ({
          state: row.ref('excluded.state'),
          payout: row.ref('excluded.payout'),
        })),
      )
      .execute();
  }
  for (const rows of slices(desk.intents)) await tx.insertInto('intent').values(rows).execute();
  const ready = [...desk.readyBets].flatMap((key) => desk.bets.get(key)?.bet_key ?? []);
  for (const keys of slices(ready)) {
    await tx
      .updateTable('intent')
      .set({ plan_after_ms: desk.nowMs })
      .where('deployment', '=', desk.deployment.deployment)
      .where('bet_key', 'in', keys)
      .where('kind', '=', 'bet')
      .where('state', '=', 'pending')
      .execute();
  }
  const players = new Set(desk.intents.map(({ player }) => player));
  const accounts = [...players].flatMap((player) => desk.accounts.get(player) ?? []);
  await writeAccounts(tx, accounts);
  const banks = new Set(desk.intents.map(({ bank }) => bank));
  await writeBanks(
    tx,
    [...banks].flatMap((bank) => desk.banks.get(bank) ?? []),
  );
  for (const rows of slices(outbox)) await tx.insertInto('outbox').values(rows).execute();
  return accounts;
}
