import type { Selectable } from 'kysely';
import { deploymentIdOf } from './keys.ts';
import type { DeploymentFacts, LedgerContext } from './ledger.ts';
import type { DeploymentTable } from './schema.ts';

export type Deployment = Selectable<DeploymentTable>;

/**
 * Makes the deployment the one in use on its chain, with its lanes, and answers its row; the same
 * facts again change nothing. Another deployment that was in use there is retired: it stays readable
 * and its sessions count as expired. One that comes back from retirement is `rebuilding` until the
 * chain has confirmed it.
 */
export async function registerDeployment(
  context: LedgerContext,
  facts: DeploymentFacts,
): Promise<Deployment> {
  const deployment = deploymentIdOf(facts);
  return await context.journal.transaction(async (tx) => {
    await tx
      .updateTable('deployment')
      .set({ state: 'retired' })
      .where('chain_id', '=', facts.chainId)
      .where('deployment', '!=', deployment)
      .execute();
    const known = await tx
      .selectFrom('deployment')
      .selectAll()
      .where('deployment', '=', deployment)
      .executeTakeFirst();
    if (known) {
      if (known.state !== 'retired') return known;
      const back: Deployment = { ...known, state: 'rebuilding' };
      await tx
        .updateTable('deployment')
        .set({ state: back.state })
        .where('deployment', '=', deployment)
        .execute();
      return back;
    }
    const row: Deployment = {
      deployment,
      chain_id: facts.chainId,
      bet_book: facts.betBook.toLowerCase(),
      treasury: facts.treasury.toLowerCase(),
      token: facts.token.toLowerCase(),
      token_decimals: facts.tokenDecimals,
      deployed_block: facts.deployedBlock,
      deployed_block_hash: facts.deployedBlockHash.toLowerCase(),
      operator: facts.operator.toLowerCase(),
      operator_no: facts.operatorNo,
      shards: facts.shards,
      partitions: facts.partitions,
      notice_s: facts.noticeS,
      state: 'active',
      epoch: 0,
      created_ms: context.clock.nowMs(),
    };
    await tx.insertInto('deployment').values(row).execute();
    const lanes = Array.from({ length: facts.shards }, (_, lane) => ({
      deployment,
      lane,
      next_seq: 0,
    }));
    await tx.insertInto('lane').values(lanes).execute();
    return row;
  });
}

/** The deployment in use on the chain (`active` or `rebuilding`), if one is registered. */
export async function activeDeployment(
  context: LedgerContext,
  chainId: number,
): Promise<Deployment | undefined> {
  return await context.journal.read
    .selectFrom('deployment')
    .selectAll()
    .where('chain_id', '=', chainId)
    .where('state', '!=', 'retired')
    .executeTakeFirst();
}

/** A deployment by its id, retired ones too. */
export async function findDeployment(
  context: LedgerContext,
  deployment: string,
): Promise<Deployment | undefined> {
  return await context.journal.read
    .selectFrom('deployment')
    .selectAll()
    .where('deployment', '=', deployment)
    .executeTakeFirst();
}
