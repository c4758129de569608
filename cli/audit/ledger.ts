import { DatabaseSync } from 'node:sqlite';
import type { ChainOutcome } from './chain.ts';
import type { Effect } from './effects.ts';
import type { Mismatches } from './mismatch.ts';
import type { AcceptedAction, DemoFacts } from './record.ts';

type Row = Readonly<Record<string, unknown>>;

interface LedgerAudit {
  readonly path: string;
  readonly deployment: string;
  readonly facts: DemoFacts;
  readonly chain: ChainOutcome;
  readonly effects: readonly Effect[];
  /** Of the topic of chain events. */
  readonly partitions: number;
}

/**
 * Compares the ledger's tables, read as plain SQL rows, with the demo's record and the chain. Resolves
 * to the number of accepted bets that the ledger has as final with all that belongs to them.
 */
export function auditLedger(args: LedgerAudit, mismatches: Mismatches): number {
  const database = new DatabaseSync(args.path, { readOnly: true });
  try {
    const rowsOf = (table: string): Row[] => {
      const statement = database.prepare(`SELECT * FROM ${table} WHERE deployment = ?`);
      return statement.all(args.deployment);
    };
    auditAccounts(args, rowsOf('account'), mismatches);
    auditBanks(args, rowsOf('bank'), mismatches);
    auditDays(args, rowsOf('bank_day'), mismatches);
    auditEntries(args.effects, rowsOf('entry'), mismatches);
    auditRequests(args.facts, rowsOf('request'), mismatches);
    auditBets(args, rowsOf('bet'), mismatches);
    return auditIntents(args, rowsOf('intent'), mismatches);
  } finally {
    database.close();
  }
}

/** Checks that exactly the expected rows are there, then each field of each. */
function compareRows(
  table: string,
  expected: ReadonlyMap<string, Row>,
  got: ReadonlyMap<string, Row>,
  mismatches: Mismatches,
): void {
  for (const [name, fields] of expected) {
    const key = `${table} ${name}`;
    const row = got.get(name);
    if (
      !mismatches.check({ store: 'ledger', key, field: 'row' }, 'there', row ? 'there' : 'missing')
    ) {
      continue;
    }
    for (const [field, value] of Object.entries(fields)) {
      mismatches.check({ store: 'ledger', key, field }, value, row?.[field]);
    }
  }
  for (const name of got.keys()) {
    if (expected.has(name)) continue;
    const key = `${table} ${name}`;
    mismatches.check({ store: 'ledger', key, field: 'row' }, 'none', 'there');
  }
}

function keyed(rows: readonly Row[], column: string): Map<string, Row> {
  return new Map(rows.map((row) => [String(row[column]), row]));
}

function auditAccounts(args: LedgerAudit, rows: readonly Row[], mismatches: Mismatches): void {
  const expected = new Map<string, Row>();
  for (const [player, seat] of args.chain.state.seats) {
    if (seat.grantNo === 0) continue;
    expected.set(player, {
      chain_balance: seat.balance,
      unfinal_credits: 0,
      pending: 0,
      spendable: args.facts.balances.get(player) ?? seat.balance,
      max_stake: seat.maxStake,
      ends_at_s: seat.expiry,
      grant_no: seat.grantNo,
      top_up_left: seat.topUpLeft,
    });
  }
  compareRows('account', expected, keyed(rows, 'player'), mismatches);
}

function auditBanks(args: LedgerAudit, rows: readonly Row[], mismatches: Mismatches): void {
  const expected = new Map<string, Row>();
  for (const [bank, { bankroll, reserved, locked, exiting }] of args.chain.state.banks) {
    const held = { unfinal_gains: 0, unfinal_funds: 0, hold: 0, credit_hold: 0 };
    const state = args.chain.bankStates.get(bank);
    const [maxPayout, stopLoss, dayWon, dayCredit, maxHorizon] = state?.limits ?? [];
    const announced = state?.announced && [
      ...state.announced.slice(0, -1).map(String),
      Number(state.announced.at(-1)),
    ];
    expected.set(bank, {
      ...{ bankroll, reserved, locked, exiting, ...held },
      exit_at_s: state?.exitAt,
      max_payout: maxPayout,
      stop_loss: stopLoss,
      day_won: dayWon,
      day_credit: dayCredit,
      max_horizon_s: maxHorizon,
      announced: announced ? JSON.stringify(announced) : null,
      limits_ready_at_s: state?.readyAt,
      paused_until_s: state?.pausedUntil,
      halted_day: state?.haltedDay,
    });
  }
  compareRows('bank', expected, keyed(rows, 'bank'), mismatches);
}

/** Each partition's days; a row of zeros is as good as none. */
function auditDays(args: LedgerAudit, rows: readonly Row[], mismatches: Mismatches): void {
  const expected = new Map<string, Row>();
  const name = (bank: unknown, partition: unknown, day: unknown): string =>
    `${bank}, partition ${partition}, day ${day}`;
  const groups = new Map<string, Map<string, bigint[]>>();
  for (const [bank, { daysOfShards }] of args.chain.bankStates) {
    for (const [key, { loss, won, credited }] of daysOfShards) {
      const [shard, day] = key.split(':').map(Number);
      const partition = (shard ?? 0) % args.partitions;
      const rowName = name(bank, partition, day);
      const group = groups.get(rowName) ?? new Map<string, bigint[]>();
      groups.set(rowName, group);
      group.set(String(shard), [loss, won, credited]);
    }
  }
  for (const [rowName, group] of groups) {
    const [[loss = 0n] = []] = group.values();
    const sum = (index: number): bigint =>
      [...group.values()].reduce((total, counters) => total + (counters[index] ?? 0n), 0n);
    // Of several shards in one partition the drawdown depends on their order.
    const drawdown = group.size === 1 ? { loss } : {};
    expected.set(rowName, { ...drawdown, won: sum(1), credited: sum(2) });
  }
  const got = new Map(
    rows
      .map((row) => [name(row.bank, row.partition, row.day), row] as const)
      .filter(([rowName, { loss, won, credited }]) => {
        return expected.has(rowName) || `${loss}${won}${credited}` !== '000';
      }),
  );
  compareRows('bank_day', expected, got, mismatches);
}

/**
 * Entries of the highest epoch; those before are of a stream that was lost. Entries of a retracted
 * event add up to nothing, and so are as good as none.
 */
function auditEntries(
  effects: readonly Effect[],
  rows: readonly Row[],
  mismatches: Mismatches,
): void {
  const expected = new Map<string, Row & { amount: bigint }>();
  for (const { log, account, amount } of effects) {
    const { event, blockNumber, txHash } = log;
    const name = `${log.id} ${account}`;
    const sum = (expected.get(name)?.amount ?? 0n) + amount;
    expected.set(name, {
      amount: sum,
      ...{ event, block_number: blockNumber, tx_hash: txHash, final: 1 },
    });
  }
  const epoch = rows.reduce((highest, row) => Math.max(highest, Number(row.epoch)), 0);
  const got = new Map<string, Row & { amount: bigint }>();
  for (const row of rows) {
    if (row.epoch !== epoch) continue;
    const name = `${row.event_id} ${row.account}`;
    const amount = (got.get(name)?.amount ?? 0n) + BigInt(String(row.amount));
    got.set(name, { ...row, amount });
  }
  for (const [name, { amount }] of got) {
    if (amount === 0n && !expected.has(name)) got.delete(name);
  }
  compareRows('entry', expected, got, mismatches);
}

function auditRequests(facts: DemoFacts, rows: readonly Row[], mismatches: Mismatches): void {
  const expected = new Map<string, Row>();
  for (const { idempotencyKey, status, answer } of facts.exchanges) {
    expected.set(idempotencyKey, { answer_status: status, answer_body: answer });
  }
  compareRows('request', expected, keyed(rows, 'idempotency_key'), mismatches);
  const sent = new Map(facts.exchanges.map((exchange) => [exchange.idempotencyKey, exchange.body]));
  for (const { idempotency_key, body } of rows) {
    const name = String(idempotency_key);
    const key = `request ${name}`;
    // The session may be another: one that ran out between two attempts is replaced.
    const bodySent = withoutSession(sent.get(name) ?? '{}');
    mismatches.check(
      { store: 'ledger', key, field: 'body' },
      bodySent,
      withoutSession(String(body)),
    );
  }
}

function withoutSession(body: string): string {
  try {
    return JSON.stringify({ ...JSON.parse(body), session: '' });
  } catch {
    return body;
  }
}

function auditBets(
  { facts: { accepted }, chain }: LedgerAudit,
  rows: readonly Row[],
  mismatches: Mismatches,
): void {
  const expected = new Map<string, Row>();
  const ends = endsOf(accepted);
  for (const { type, txId, player, amount, maxPayout, ref } of accepted) {
    if (type !== 'bet') continue;
    const end = ends.get(txId);
    expected.set(txId, {
      state: stateOf(end, chain.expired.has(ref)),
      player,
      stake: amount,
      max_payout: maxPayout,
      ...(end?.type === 'win' && { payout: end.amount }),
    });
  }
  compareRows('bet', expected, keyed(rows, 'tx_id'), mismatches);
}

function stateOf(end: AcceptedAction | undefined, isExpired: boolean): string {
  if (end !== undefined) return end.type === 'void' ? 'voided' : 'settled';
  return isExpired ? 'expired' : 'open';
}

function endsOf(accepted: readonly AcceptedAction[]): Map<string, AcceptedAction> {
  return new Map(
    accepted
      .filter(({ type }) => type === 'win' || type === 'void')
      .map((action) => [action.betTxId, action]),
  );
}

function auditIntents(args: LedgerAudit, rows: readonly Row[], mismatches: Mismatches): number {
  const { accepted } = args.facts;
  const expected = new Map<string, Row>();
  for (const { txId, type, player, amount, ref } of accepted) {
    const log = args.chain.outcomes.get(ref);
    expected.set(txId, {
      kind: type,
      player,
      amount,
      ref,
      state: log ? 'final' : 'rejected_final',
      landed_block: log?.blockNumber,
      landed_tx: log?.txHash,
    });
  }
  const got = keyed(rows, 'tx_id');
  compareRows('intent', expected, got, mismatches);
  const isFinal = (txId: string | undefined): boolean => {
    return txId !== undefined && got.get(txId)?.state === 'final';
  };
  const ends = endsOf(accepted);
  return accepted.filter(({ type, txId }) => {
    return type === 'bet' && isFinal(txId) && isFinal(ends.get(txId)?.txId);
  }).length;
}
