import { createPublicClient, http } from 'viem';
import type { Bus } from '../../platform/bus/bus.ts';
import { auditBus } from './bus.ts';
import { auditChain } from './chain.ts';
import { type AuditedDeployment, readChainLogs } from './chainLogs.ts';
import { effectsOf } from './effects.ts';
import { auditLedger } from './ledger.ts';
import { createMismatches, type Mismatch } from './mismatch.ts';
import { auditRecord } from './record.ts';
import { auditWarehouse, type Query } from './warehouse.ts';

const RPC_TIMEOUT_MS = 30_000;
const RPC_BATCH_SIZE = 100;

/** Accepted bets, as each store has them. */
export interface AuditCounts {
  readonly accepted: number;
  readonly refused: number;
  readonly landed: number;
  readonly rejected: number;
  /** At or below the warehouse's final block. */
  readonly final: number;
  /** Counted once by the warehouse. */
  readonly warehouse: number;
  /** Counted once by the bus. */
  readonly bus: number;
  /** Final in the ledger, with their ends. */
  readonly mirrored: number;
}

export interface AuditResult {
  /** The first thousand; `count` is of all. */
  readonly mismatches: readonly Mismatch[];
  readonly count: number;
  readonly counts: AuditCounts;
}

/**
 * Compares everything that the demo was answered on a deployment with the node, the ledger, the
 * warehouse and the bus, each read by its own plain means. To be called when nothing is on its way.
 */
export async function audit(args: {
  readonly deployment: AuditedDeployment;
  readonly rpcUrl: string;
  readonly recordPath: string;
  readonly ledgerPath: string;
  readonly query: Query;
  readonly bus: Bus;
  /** Of the topic of chain events. */
  readonly partitions: number;
}): Promise<AuditResult> {
  const { deployment, bus, partitions } = args;
  const name = deployment.deployment;
  const mismatches = createMismatches();
  const client = createPublicClient({
    transport: http(args.rpcUrl, {
      timeout: RPC_TIMEOUT_MS,
      batch: { batchSize: RPC_BATCH_SIZE },
    }),
  });

  const facts = auditRecord({ path: args.recordPath, deployment: name }, mismatches);
  const block = await client.getBlockNumber({ cacheTime: 0 });
  const logs = await readChainLogs(client, deployment, Number(block));
  const effects = effectsOf(logs, deployment);
  const chain = await auditChain({ client, deployment, facts, logs, effects, block }, mismatches);
  const mirrored = auditLedger(
    { path: args.ledgerPath, deployment: name, facts, chain, effects, partitions },
    mismatches,
  );
  const warehouse = await auditWarehouse({ query: args.query, deployment: name, logs }, mismatches);
  const { finalBlock } = warehouse;
  // The bus may hear of finality a moment later: what counts is that it did for the last event.
  const lastEvent = logs.findLast(({ blockNumber }) => blockNumber <= finalBlock);
  const onBus = await auditBus(
    { bus, partitions, deployment: name, logs, finalBlock: lastEvent?.blockNumber ?? 0 },
    mismatches,
  );

  const bets = facts.accepted.filter(({ type }) => type === 'bet');
  const refused = facts.exchanges.filter(({ type, outcome }) => {
    return type === 'bet' && outcome === 'refused';
  });
  const landed = bets.flatMap(({ ref }) => chain.outcomes.get(ref) ?? []);
  for (const { ref, txId } of facts.accepted) {
    const log = chain.outcomes.get(ref);
    if (!log) continue;
    const at = { store: 'warehouse', key: txId, field: 'final' } as const;
    mismatches.check(at, true, log.blockNumber <= finalBlock);
  }
  return {
    mismatches: mismatches.list,
    count: mismatches.count(),
    counts: {
      accepted: bets.length,
      refused: refused.length,
      landed: landed.length,
      rejected: chain.rejectedBets,
      final: landed.filter(({ blockNumber }) => blockNumber <= finalBlock).length,
      warehouse: landed.filter(({ id }) => warehouse.events.has(id)).length,
      bus: landed.filter(({ id }) => onBus.has(id)).length,
      mirrored,
    },
  };
}
