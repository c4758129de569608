import type { Selectable } from 'kysely';
import type { ChainEventMessage } from '../contracts/encoding/message.ts';
import { expireBets } from './expired.ts';
import { type AlertCode, type Fold, moveIntent, numberKey, placeOf, textArg } from './fold.ts';
import type { IntentState, IntentTable } from './schema.ts';

type IntentRow = Selectable<IntentTable>;

/** `Codes.PAGE_MISMATCH` of the contract: the slot does not hold the page that was to be settled. */
const PAGE_MISMATCH = 9;

/** An intent in one of these has its outcome. */
const DONE: ReadonlySet<IntentState> = new Set(['landed', 'final', 'rejected', 'rejected_final']);

/** Names of the arguments that carry refs, by event. */
const REF_ARGS: Readonly<Record<string, readonly string[]>> = {
  Played: ['refBet', 'refWin'],
  Opened: ['ref'],
  OpenRejected: ['ref'],
  Credited: ['ref'],
  ToppedUp: ['ref'],
  Released: ['ref'],
  Settled: ['ref'],
  Voided: ['ref'],
  Rejected: ['ref'],
};

/** The refs that an event carries; none for events that are not about actions. */
export function refsOf(message: ChainEventMessage): string[] {
  return (REF_ARGS[message.event] ?? []).map((name) => textArg(message, name));
}

/**
 * Moves the intents that an event is about: `landed`, `rejected`, or `displaced` where another ref
 * stands at their number. What no intent explains is alerted, and counts for balances all the same.
 */
export function landIntents(fold: Fold, message: ChainEventMessage): void {
  if (message.event === 'Expired') expireBets(fold, message);
  const place = placeOf(fold.deployment, message);
  if (!place) return;
  const atNumber = fold.intentsByNumber.get(place.key) ?? [];
  const named = refsOf(message).flatMap((ref) => fold.intentsByRef.get(ref) ?? []);
  switch (message.event) {
    case 'Played':
    case 'Opened':
    case 'Credited':
    case 'OpenRejected':
    case 'ToppedUp':
    case 'Released':
    case 'RoundFinalized':
      useNumber(fold, message, place.key, atNumber, named);
      return;
    case 'Settled':
    case 'Voided':
      for (const intent of named) land(fold, message, intent);
      if (named.length === 0) alertUnknown(fold, message, place.key);
      return;
    case 'Rejected':
      rejectNamed(fold, message, place.key, atNumber, named);
      return;
    case 'Closed':
      closePage(fold, message, place.key, atNumber);
      return;
  }
}

/** An event that is the outcome of the item at its own number. */
function useNumber(
  fold: Fold,
  message: ChainEventMessage,
  key: string,
  atNumber: readonly IntentRow[],
  named: readonly IntentRow[],
): void {
  fold.closings.set(key, message.blockNumber);
  const own = atNumber.length > 0 && atNumber.every((intent) => named.includes(intent));
  if (!own) displace(fold, message, atNumber);
  if (named.length === 0) alertUnknown(fold, message, key);
  for (const intent of named) {
    if (!atNumber.includes(intent)) {
      alert(fold, message, 'LANDED_ELSEWHERE', `ref ${intent.ref} at number ${key}`);
    }
    land(fold, message, intent);
  }
}

function rejectNamed(
  fold: Fold,
  message: ChainEventMessage,
  key: string,
  atNumber: readonly IntentRow[],
  named: readonly IntentRow[],
): void {
  const [intent] = named;
  if (!intent) {
    alertUnknown(fold, message, key);
    if (atNumber.some(({ state }) => state === 'planned')) {
      fold.closings.set(key, message.blockNumber);
      displace(fold, message, atNumber);
    }
    return;
  }
  const item = itemOf(fold, intent);
  if (!item) {
    // A result of an opened bet: its own number is used by the Closed that follows.
    const lostPage = Number(textArg(message, 'code')) === PAGE_MISMATCH;
    if (lostPage && isBetDisplaced(fold, intent)) displace(fold, message, [intent]);
    else land(fold, message, intent);
    return;
  }
  useNumber(fold, message, key, atNumber, item);
}

/**
 * All intents of the PLAY, OPEN or CREDIT that carries the intent: they are refused together. None for
 * a result in a SETTLE, which is refused alone.
 */
export function itemOf(fold: Fold, intent: IntentRow): readonly IntentRow[] | undefined {
  const carried = fold.intentsByNumber.get(numberKey(intent.lane, intent.seq ?? -1)) ?? [intent];
  return carried.some(({ kind }) => kind === 'bet' || kind === 'credit') ? carried : undefined;
}

/** The SETTLE at this number is over: its own results stand directly before, in the same transaction. */
function closePage(
  fold: Fold,
  message: ChainEventMessage,
  key: string,
  atNumber: readonly IntentRow[],
): void {
  fold.closings.set(key, message.blockNumber);
  displace(
    fold,
    message,
    atNumber.filter(({ landed_tx }) => landed_tx !== message.txHash),
  );
}

function land(fold: Fold, message: ChainEventMessage, intent: IntentRow): void {
  if (DONE.has(intent.state)) {
    alert(fold, message, 'LANDED_TWICE', `ref ${intent.ref}, which was ${intent.state} before`);
    return;
  }
  const refused = message.event === 'Rejected' || message.event === 'OpenRejected';
  moveIntent(fold, intent, refused ? 'rejected' : 'landed', {
    block: message.blockNumber,
    tx: message.txHash,
    rejectionCode: refused ? Number(textArg(message, 'code')) : null,
  });
}

function displace(fold: Fold, message: ChainEventMessage, intents: readonly IntentRow[]): void {
  for (const intent of intents) {
    if (intent.state !== 'planned') continue;
    alert(
      fold,
      message,
      'ITEM_DISPLACED',
      `ref ${intent.ref} of number ${intent.lane}:${intent.seq}`,
    );
    moveIntent(fold, intent, 'displaced', {
      block: message.blockNumber,
      tx: message.txHash,
      rejectionCode: null,
    });
  }
}

/**
 * Whether the bet of a result lost its number, so that no page of it was where the result looked: it
 * waits for a new one, or has one behind the result. Else its page was there and is over.
 */
function isBetDisplaced(fold: Fold, result: IntentRow): boolean {
  for (const intent of fold.intentsByRef.values()) {
    const ofBet = Buffer.compare(intent.bet_key, result.bet_key) === 0;
    if (!ofBet || intent.kind !== 'bet') continue;
    return intent.state === 'displaced' || (intent.seq ?? Infinity) > (result.seq ?? Infinity);
  }
  return false;
}

function alertUnknown(fold: Fold, message: ChainEventMessage, key: string): void {
  alert(fold, message, 'REF_UNKNOWN', `${message.event} at number ${key}`);
}

function alert(fold: Fold, message: ChainEventMessage, code: AlertCode, detail: string): void {
  fold.alerts.push({ code, eventId: message.id, detail });
}
