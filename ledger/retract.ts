import type { Selectable } from 'kysely';
import type { ChainEventMessage } from '../contracts/encoding/message.ts';
import { CroupierError } from '../platform/errors.ts';
import { expireBets } from './expired.ts';
import { type Fold, moveIntent, placeOf } from './fold.ts';
import { itemOf, refsOf } from './land.ts';
import type { IntentTable } from './schema.ts';

type IntentRow = Selectable<IntentTable>;

const NOWHERE = { block: null, tx: null, rejectionCode: null };

/**
 * Takes back what an event did to intents: those that it landed, refused or displaced are planned
 * again, with the same number and bytes. The second outcome may be another one.
 * @throws CroupierError `RETRACTED_BELOW_FINAL` (fatal)
 */
export function retractIntents(fold: Fold, message: ChainEventMessage): void {
  if (message.event === 'Expired') expireBets(fold, message);
  const place = placeOf(fold.deployment, message);
  if (!place) return;
  const atNumber = fold.intentsByNumber.get(place.key) ?? [];
  const named = refsOf(message).flatMap((ref) => fold.intentsByRef.get(ref) ?? []);
  const [first] = named;
  switch (message.event) {
    case 'Played':
    case 'Opened':
    case 'Credited':
    case 'OpenRejected':
    case 'ToppedUp':
    case 'Released':
    case 'RoundFinalized':
      fold.closings.set(place.key, null);
      replan(fold, message, [...atNumber, ...named]);
      return;
    case 'Settled':
    case 'Voided':
      replan(fold, message, named);
      return;
    case 'Closed':
      fold.closings.set(place.key, null);
      replan(fold, message, atNumber.filter(isDisplaced));
      return;
    case 'Rejected': {
      const item = first && itemOf(fold, first);
      const lost = atNumber.filter(isDisplaced);
      if (item || (!first && lost.length > 0)) fold.closings.set(place.key, null);
      replan(fold, message, [...named, ...(item ?? []), ...lost]);
      return;
    }
  }
}

function replan(fold: Fold, message: ChainEventMessage, intents: readonly IntentRow[]): void {
  for (const intent of new Set(intents)) {
    if (intent.landed_tx !== message.txHash || intent.landed_block !== message.blockNumber)
      continue;
    if (intent.state === 'final' || intent.state === 'rejected_final') {
      throw new CroupierError({
        code: 'RETRACTED_BELOW_FINAL',
        errorClass: 'fatal',
        message: `got the retraction of ${message.event} ${message.id}, expected none of what is final`,
      });
    }
    moveIntent(fold, intent, 'planned', NOWHERE);
  }
}

function isDisplaced({ state }: IntentRow): boolean {
  return state === 'displaced';
}
