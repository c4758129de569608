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
    auditEntries(args.effects, rowsOf('entry'), mismatches);
    auditRequests(args.facts, rowsOf('request'), mismatches);
    auditBets(args.facts.accepted, rowsOf('bet'), mismatches);
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
    });
  }
  compareRows('account', expected, keyed(rows, 'player'), mismatches);
}

function auditBanks(args: LedgerAudit, rows: readonly Row[], mismatches: Mismatches): void {
  const expected = new Map<string, Row>();
  for (const [bank, { bankroll, reserved, locked }] of args.chain.state.banks) {
    expected.set(bank, { bankroll, reserved, locked, unfinal_gains: 0, hold: 0 });
  }
  compareRows('bank', expected, keyed(rows, 'bank'), mismatches);
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
    expected.set(name, { amount, event, block_number: blockNumber, tx_hash: txHash, final: 1 });
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
  accepted: readonly AcceptedAction[],
  rows: readonly Row[],
  mismatches: Mismatches,
): void {
  const expected = new Map<string, Row>();
  const ends = endsOf(accepted);
  for (const { type, txId, player, amount, maxPayout } of accepted) {
    if (type !== 'bet') continue;
    const end = ends.get(txId);
    expected.set(txId, {
      state: end === undefined ? 'open' : end.type === 'void' ? 'voided' : 'settled',
      player,
      stake: amount,
      max_payout: maxPayout,
      ...(end?.type === 'win' && { payout: end.amount }),
    });
  }
  compareRows('bet', expected, keyed(rows, 'tx_id'), mismatches);
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
