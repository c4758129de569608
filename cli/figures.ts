import type { LedgerContext } from '../ledger/ledger.ts';

/** What has become of a deployment's bets, as its ledger says. */
export interface BetCounts {
  readonly accepted: number;
  readonly refused: number;
  readonly landed: number;
  readonly rejected: number;
  readonly final: number;
  readonly gasPerBet: number;
  /** Accepted actions of any kind that are not on chain. */
  readonly waitingActions: number;
  /** Accepted actions of any kind that are not final. */
  readonly unfinalActions: number;
}

/** Counts bets by their state; refused are the finally refused requests that would have been bets. */
export async function countBets(context: LedgerContext, deployment: string): Promise<BetCounts> {
  const { read } = context.journal;
  const states = await read
    .selectFrom('intent')
    .select((select) => ['kind', 'state', select.fn.countAll<number>().as('count')])
    .where('deployment', '=', deployment)
    .groupBy(['kind', 'state'])
    .execute();
  const { refused } = await read
    .selectFrom('request')
    .select((select) => select.fn.countAll<number>().as('refused'))
    .where('deployment', '=', deployment)
    .where('answer_status', '>=', 400)
    .executeTakeFirstOrThrow();
  const batches = await read
    .selectFrom('transaction')
    .select('gas_used')
    .where('deployment', '=', deployment)
    .where('lane', 'is not', null)
    .where('gas_used', 'is not', null)
    .execute();
  const count = (wanted: readonly string[], kind?: string): number =>
    states
      .filter((row) => wanted.includes(row.state) && (kind === undefined || row.kind === kind))
      .reduce((sum, row) => sum + row.count, 0);
  const final = count(['final'], 'bet');
  const landed = count(['landed'], 'bet') + final;
  const gas = batches.reduce((sum, { gas_used }) => sum + (gas_used ?? 0), 0);
  return {
    accepted: states.filter((row) => row.kind === 'bet').reduce((sum, row) => sum + row.count, 0),
    refused,
    landed,
    rejected: count(['rejected', 'rejected_final'], 'bet'),
    final,
    gasPerBet: landed === 0 ? 0 : gas / landed,
    waitingActions: count(['pending', 'planned', 'displaced']),
    unfinalActions: count(['pending', 'planned', 'displaced', 'landed', 'rejected']),
  };
}
