import { sql } from 'kysely';
import type { LedgerContext } from '../ledger/ledger.ts';

/** What has become of a deployment's bets, as its ledger says. */
export interface BetCounts {
  readonly accepted: number;
  readonly refused: number;
  /** On chain, final or not. */
  readonly landed: number;
  readonly rejected: number;
  readonly final: number;
  readonly gasPerBet: number;
  /** Accepted actions of any kind that are not on chain. */
  readonly waitingActions: number;
}

export interface BetCounter {
  count(): Promise<BetCounts>;
  /** Accepted actions of any kind that are neither final nor refused for good. */
  unfinalActions(): Promise<number>;
}

interface StateCount {
  readonly kind: string;
  readonly state: string;
  readonly count: number;
}

/**
 * Counts the bets of a deployment. What is over is counted once and remembered, so that a count costs
 * the same however long the history is: it reads what is new and what is on its way.
 */
export function createBetCounter(args: {
  ledger: LedgerContext;
  deployment: string;
  /** Whose batches are counted. */
  signer: string;
}): BetCounter {
  const { deployment, signer } = args;
  const { read } = args.ledger.journal;
  const seen = { outbox: 0, accepted: 0, refused: 0, nonce: -1, finalGas: 0 };

  async function readNewAnswers(): Promise<void> {
    const { rows } = await sql<{ type: string; count: number; last: number }>`
      SELECT json_extract(value, '$.type') AS type, max(outbox) AS last,
        sum(json_extract(value, '$.action.type') = 'bet') AS count
      FROM outbox WHERE outbox > ${seen.outbox} AND deployment = ${deployment} GROUP BY 1`.execute(
      read,
    );
    for (const { type, count, last } of rows) {
      if (type === 'request.accepted') seen.accepted += count;
      else seen.refused += count;
      seen.outbox = Math.max(seen.outbox, last);
    }
  }

  async function readGas(): Promise<number> {
    const transactions = await read
      .selectFrom('transaction')
      .select(['nonce', 'state', 'gas_used', 'lane'])
      .where('deployment', '=', deployment)
      .where('signer', '=', signer)
      .where('state', 'in', ['mined', 'final'])
      .where('nonce', '>', seen.nonce)
      .orderBy('nonce')
      .execute();
    let minedGas = 0;
    let allFinal = true;
    for (const { nonce, state, gas_used, lane } of transactions) {
      const gas = lane === null ? 0 : (gas_used ?? 0);
      allFinal &&= state === 'final';
      if (allFinal) {
        seen.finalGas += gas;
        seen.nonce = nonce;
      } else {
        minedGas += gas;
      }
    }
    return seen.finalGas + minedGas;
  }

  async function readOnTheWay(): Promise<StateCount[]> {
    return await read
      .selectFrom('intent')
      .select((select) => ['kind', 'state', select.fn.countAll<number>().as('count')])
      .where('deployment', '=', deployment)
      .where(sql<boolean>`state != 'final'`)
      .groupBy(['kind', 'state'])
      .execute();
  }

  return {
    async count() {
      await readNewAnswers();
      const states = await readOnTheWay();
      const gas = await readGas();
      const bets = states.filter(({ kind }) => kind === 'bet');
      const rejected = sumOf(bets, ['rejected', 'rejected_final']);
      const final = Math.max(0, seen.accepted - sumOf(bets));
      const landed = final + sumOf(bets, ['landed']);
      return {
        accepted: seen.accepted,
        refused: seen.refused,
        landed,
        rejected,
        final,
        gasPerBet: landed === 0 ? 0 : gas / landed,
        waitingActions: sumOf(states, ['pending', 'planned', 'displaced']),
      };
    },
    async unfinalActions() {
      return sumOf((await readOnTheWay()).filter(({ state }) => state !== 'rejected_final'));
    },
  };
}

function sumOf(counts: readonly StateCount[], states?: readonly string[]): number {
  return counts
    .filter(({ state }) => states === undefined || states.includes(state))
    .reduce((sum, { count }) => sum + count, 0);
}
