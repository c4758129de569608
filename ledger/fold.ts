import type { Insertable, Selectable } from 'kysely';
import { type ChainEventMessage, readEventId } from '../contracts/encoding/message.ts';
import { CroupierError } from '../platform/errors.ts';
import { type AccountState, type BankState, emptyAccount, emptyBank } from './balances.ts';
import { type BankDayState, dayKey, dayOf } from './bankDay.ts';
import type { Deployment } from './deployments.ts';
import type { BetTable, EntryTable, IntentState, IntentTable, OpenBetTable } from './schema.ts';

type IntentRow = Selectable<IntentTable>;

/** Why an operator is told. None of them stops the fold: balances follow the chain in any case. */
export type AlertCode =
  /** An event of our lanes carries a ref that the ledger never gave. */
  | 'REF_UNKNOWN'
  /** Another ref stood at the number of an item: it is planned again once that is final. */
  | 'ITEM_DISPLACED'
  /** An action landed at a number that was not its own. */
  | 'LANDED_ELSEWHERE'
  /** An action has two outcomes. */
  | 'LANDED_TWICE';

export interface Alert {
  readonly code: AlertCode;
  readonly eventId: string;
  readonly detail: string;
}

/** The rows that a run of events touches, as they are computed on before they are written once. */
export interface Fold {
  readonly deployment: Deployment;
  readonly accounts: Map<string, AccountState>;
  readonly banks: Map<number, BankState>;
  readonly intentsByNumber: ReadonlyMap<string, readonly IntentRow[]>;
  readonly intentsByRef: ReadonlyMap<string, IntentRow>;
  /** Bets that the chain opened, by number; `null` once their opening is retracted. */
  readonly openBets: Map<string, Selectable<OpenBetTable> | null>;
  /** Days of this partition, by `dayKey`. */
  readonly days: Map<string, BankDayState>;
  /** Bets of pages that expire, by hex key. */
  readonly bets: ReadonlyMap<string, Selectable<BetTable>>;
  readonly entries: Insertable<EntryTable>[];
  /** Block in which the number was used, by number; `null`: it is not used any more. */
  readonly closings: Map<string, number | null>;
  /** Block in which the page in a slot expired, by lane, slot and number; `null`: it did not. */
  readonly expiredSlots: Map<
    string,
    { lane: number; slot: number; openSeq: number; block: number | null }
  >;
  readonly alerts: Alert[];
  readonly changedAccounts: Set<string>;
  readonly changedBanks: Set<number>;
  readonly changedIntents: Set<IntentRow>;
  readonly changedOpenBets: Set<string>;
  readonly changedDays: Set<string>;
  readonly changedBets: Set<string>;
}

/** A number of a lane, as key of the fold's maps. */
export function numberKey(lane: number, seq: number): string {
  return `${lane}:${seq}`;
}

/** The lane (shard), number and bank that a lane event is about, if the lane is one of ours. */
export function placeOf(
  deployment: Deployment,
  message: ChainEventMessage,
): { lane: number; seq: number; bank: number; key: string } | undefined {
  const { id } = message.args;
  if (typeof id !== 'string') return undefined;
  const { operatorNo, shard, bank, seq } = readEventId(BigInt(id));
  if (operatorNo !== deployment.operator_no) return undefined;
  return { lane: shard, seq, bank, key: numberKey(shard, seq) };
}

/**
 * A text argument of an event.
 * @throws CroupierError `EVENT_MALFORMED` (fatal)
 */
export function textArg(message: ChainEventMessage, name: string): string {
  const value = message.args[name];
  if (typeof value === 'string') return value;
  throw new CroupierError({
    code: 'EVENT_MALFORMED',
    errorClass: 'fatal',
    message: `got ${message.event} ${message.id} without ${name}, expected the event's arguments`,
  });
}

/** An amount of an event, smallest units. */
export function unitsArg(message: ChainEventMessage, name: string): bigint {
  return BigInt(textArg(message, name));
}

/** The seat of the fold, made if it was never seen; it will be written. */
export function seatOf(fold: Fold, player: string): AccountState {
  const account = fold.accounts.get(player) ?? emptyAccount(fold.deployment.deployment, player);
  fold.accounts.set(player, account);
  fold.changedAccounts.add(player);
  return account;
}

/** The bank of the fold, made if it was never seen; it will be written. */
export function bankOf(fold: Fold, number: number): BankState {
  const bank = fold.banks.get(number) ?? emptyBank(fold.deployment.deployment, number);
  fold.banks.set(number, bank);
  fold.changedBanks.add(number);
  return bank;
}

/** The bank's day in which the event's block is, made if nothing was counted in it; it will be written. */
export function bankDayOf(fold: Fold, bank: number, message: ChainEventMessage): BankDayState {
  const day = dayOf(message.blockTime);
  const key = dayKey(bank, day);
  const { partition } = message;
  const state = fold.days.get(key) ?? { bank, partition, day, loss: 0n, won: 0n, credited: 0n };
  fold.days.set(key, state);
  fold.changedDays.add(key);
  return state;
}

/** Σ of these over a player's intents is `account.pending`. */
export function pendingOf(state: IntentState, deltaUnits: bigint): bigint {
  if (state === 'pending' || state === 'planned' || state === 'displaced') return deltaUnits;
  // A refusal that may be taken back still takes, and does not give yet.
  return state === 'rejected' && deltaUnits < 0n ? deltaUnits : 0n;
}

/** Σ of these over a bank's intents is `bank.hold`. */
export function holdOf(state: IntentState, holdUnits: bigint): bigint {
  return state === 'landed' || state === 'final' || state === 'rejected_final' ? 0n : holdUnits;
}

/** Where an intent landed, was refused or was displaced. */
export interface Outcome {
  readonly block: number | null;
  readonly tx: string | null;
  readonly rejectionCode: number | null;
}

/** Moves an intent to a state, and with it what it takes from its player and holds of its bank. */
export function moveIntent(
  fold: Fold,
  intent: IntentRow,
  state: IntentState,
  outcome: Outcome,
): void {
  const delta = BigInt(intent.delta);
  const hold = BigInt(intent.hold);
  const taken = pendingOf(state, delta) - pendingOf(intent.state, delta);
  const held = holdOf(state, hold) - holdOf(intent.state, hold);
  if (taken !== 0n) seatOf(fold, intent.player).pending += taken;
  if (held !== 0n) {
    const bank = bankOf(fold, intent.bank);
    bank.hold += held;
    if (intent.kind === 'credit') bank.creditHold += held;
  }
  intent.state = state;
  intent.landed_block = outcome.block;
  intent.landed_tx = outcome.tx;
  intent.rejection_code = outcome.rejectionCode;
  fold.changedIntents.add(intent);
}

/** Appends an entry to the book. `amount` and `gain` are already negative in a retraction. */
export function addEntry(
  fold: Fold,
  message: ChainEventMessage,
  entry: { account: string; amount: bigint; gain: bigint; previous?: string | undefined },
): void {
  fold.entries.push({
    deployment: fold.deployment.deployment,
    epoch: message.epoch,
    partition: message.partition,
    n: message.n,
    account: entry.account,
    event: message.event,
    event_id: message.id,
    sign: message.sign,
    amount: String(entry.amount),
    gain: String(entry.gain),
    block_number: message.blockNumber,
    block_time_s: message.blockTime,
    tx_hash: message.txHash,
    final: 0,
    previous: entry.previous ?? null,
  });
}
