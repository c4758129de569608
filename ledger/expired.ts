import type { ChainEventMessage } from '../contracts/encoding/message.ts';
import type { Deployment } from './deployments.ts';
import { type Fold, numberKey, textArg, unitsArg } from './fold.ts';
import { hexOf } from './prepare.ts';

/** What an `Expired` of one of our pages ended. */
export interface ExpiredPage {
  readonly lane: number;
  readonly slot: number;
  readonly firstSeq: number;
  /** Numbers of the bets that were open. */
  readonly seqs: readonly number[];
  readonly bonded: boolean;
}

/** The page of an `Expired`, if its lane is one of ours. */
export function expiredPage(
  deployment: Deployment,
  message: ChainEventMessage,
): ExpiredPage | undefined {
  if (message.event !== 'Expired') return undefined;
  const page = unitsArg(message, 'page');
  if (Number(page >> 48n) !== deployment.operator_no) return undefined;
  const firstSeq = Number(textArg(message, 'firstSeq'));
  const mask = unitsArg(message, 'mask');
  const seqs: number[] = [];
  for (let offset = 0; mask >> BigInt(offset) > 0n; offset += 1) {
    if ((mask >> BigInt(offset)) & 1n) seqs.push(firstSeq + offset);
  }
  return {
    lane: Number((page >> 32n) & 0xffffn),
    slot: Number(page & 0xffff_ffffn),
    firstSeq,
    seqs,
    bonded: message.args.bonded === true,
  };
}

/**
 * The bets of the page that wait for a result are expired, and open again where that is taken back. A
 * bet whose result was accepted keeps it: its SETTLE is refused when it lands. The slot is free once
 * this is final.
 */
export function expireBets(fold: Fold, message: ChainEventMessage): void {
  const page = expiredPage(fold.deployment, message);
  if (!page) return;
  const isTaken = message.sign < 0;
  for (const seq of page.seqs) {
    for (const intent of fold.intentsByNumber.get(numberKey(page.lane, seq)) ?? []) {
      if (intent.kind !== 'bet' || (intent.state !== 'landed' && intent.state !== 'final'))
        continue;
      const key = hexOf(intent.bet_key);
      const bet = fold.bets.get(key);
      if (bet?.state !== (isTaken ? 'expired' : 'open')) continue;
      bet.state = isTaken ? 'open' : 'expired';
      fold.changedBets.add(key);
    }
  }
  const { lane, slot, firstSeq } = page;
  const block = isTaken ? null : message.blockNumber;
  fold.expiredSlots.set(`${lane}:${slot}:${firstSeq}`, { lane, slot, openSeq: firstSeq, block });
}
