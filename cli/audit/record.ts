import { type Exchange, readExchanges, readPlayers } from '../demo/record.ts';
import type { Mismatches } from './mismatch.ts';

const STAKE_ABOVE_BALANCE = 'STAKE_ABOVE_BALANCE';

/** An action that the house took, as the provider recorded it. */
export interface AcceptedAction {
  readonly type: Exchange['type'];
  readonly txId: string;
  readonly betTxId: string;
  readonly player: string;
  readonly amount: bigint;
  readonly maxPayout: bigint;
  /** By which it is found in the contract's events. */
  readonly ref: string;
}

/** What the demo's record says: the ground that the other stores are compared with. */
export interface DemoFacts {
  readonly exchanges: readonly Exchange[];
  readonly accepted: readonly AcceptedAction[];
  /** What each player must hold. */
  readonly balances: ReadonlyMap<string, bigint>;
}

/**
 * Reads the demo's record and checks it by itself: every request has an answer, every answer is what
 * the actions before it lead to, every accepted bet has one end.
 */
export function auditRecord(
  args: { path: string; deployment: string },
  mismatches: Mismatches,
): DemoFacts {
  const exchanges = readExchanges(args);
  const balances = new Map(readPlayers(args).map(({ player, buyIn }) => [player, BigInt(buyIn)]));
  const accepted: AcceptedAction[] = [];
  for (const exchange of exchanges) {
    const { txId, player, mismatch, status } = exchange;
    const check = (field: string, expected: unknown, got: unknown): boolean => {
      return mismatches.check({ store: 'record', key: txId, field }, expected, got);
    };
    check('mismatch', null, mismatch);
    const answer = readAnswer(exchange.answer);
    const balance = balances.get(player) ?? 0n;
    const delta = BigInt(exchange.amount) * (exchange.type === 'bet' ? -1n : 1n);
    if (balance + delta < 0n) {
      check('status', 422, status);
      check('code', STAKE_ABOVE_BALANCE, answer.code);
      continue;
    }
    if (!check('status', 200, status)) continue;
    balances.set(player, balance + delta);
    check('state', 'accepted', answer.state);
    check('balance', balance + delta, answer.balance);
    accepted.push({
      type: exchange.type,
      txId,
      betTxId: exchange.betTxId,
      player,
      amount: BigInt(exchange.amount),
      maxPayout: exchange.maxPayout === '' ? 0n : BigInt(exchange.maxPayout),
      ref: String(answer.ref),
    });
  }
  const ends = Map.groupBy(
    accepted.filter(({ type }) => type === 'win' || type === 'void'),
    ({ betTxId }) => betTxId,
  );
  for (const { type, txId } of accepted) {
    if (type !== 'bet') continue;
    const count = ends.get(txId)?.length ?? 0;
    mismatches.check({ store: 'record', key: txId, field: 'ends' }, 1, count);
  }
  return { exchanges, accepted, balances };
}

function readAnswer(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
