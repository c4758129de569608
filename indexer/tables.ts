import type { TableDefinition, Warehouse } from '../platform/warehouse/warehouse.ts';
import type { EventSpec, IndexedEvent } from './events.ts';
import { snakeCase } from './snakeCase.ts';

/** One row per finality step: everything up to its block is final. */
export const FINALITY_TABLE: TableDefinition = {
  name: 'finality',
  columns: [
    { name: 'deployment', type: 'String' },
    { name: 'epoch', type: 'UInt32' },
    { name: 'step', type: 'UInt64' },
    { name: 'n', type: 'UInt64' },
    { name: 'sign', type: 'Int8' },
    { name: 'block_number', type: 'UInt64' },
    { name: 'block_hash', type: 'String' },
  ],
  orderBy: ['deployment', 'epoch', 'step'],
};

/** The table of an event. */
export function tableNameOf(event: Pick<IndexedEvent, 'contract' | 'event'>): string {
  return `${event.contract}_${snakeCase(event.event)}`;
}

/** Every table that the indexer writes. */
export function tablesOf(specs: readonly EventSpec[]): TableDefinition[] {
  return [...specs.map((spec) => spec.table), FINALITY_TABLE];
}

/**
 * Makes the tables that are missing, and the view `final_<table>` of each event.
 * @throws CroupierError `WAREHOUSE_TABLE_DIFFERS` (fatal)
 */
export async function ensureTables(
  warehouse: Warehouse,
  specs: readonly EventSpec[],
): Promise<void> {
  for (const table of tablesOf(specs)) await warehouse.ensureTable(table);
  for (const spec of specs) await warehouse.command(finalView(spec.table));
}

/**
 * Rows of the highest epoch of their deployment, at or below its last final block, that were not
 * retracted after they came. An epoch shows from its first finality on: that is when it is complete.
 */
function finalView(table: TableDefinition): string {
  const columns = table.columns.map((column) => `event.${column.name} AS ${column.name}`);
  return `CREATE OR REPLACE VIEW final_${table.name} AS
SELECT ${columns.join(', ')}
FROM ${table.name} AS event
INNER JOIN (
  SELECT deployment, max(epoch) AS highest, argMax(block_number, (epoch, step)) AS final_block
  FROM ${FINALITY_TABLE.name} GROUP BY deployment
) AS finality ON event.deployment = finality.deployment AND event.epoch = finality.highest
LEFT JOIN (
  SELECT deployment, epoch, block_hash, log_index, max(step) AS retracted_step
  FROM ${table.name} WHERE sign = -1 GROUP BY deployment, epoch, block_hash, log_index
) AS retraction
  ON event.deployment = retraction.deployment AND event.epoch = retraction.epoch
  AND event.block_hash = retraction.block_hash AND event.log_index = retraction.log_index
WHERE event.sign = 1 AND event.block_number <= finality.final_block
  AND event.step > retraction.retracted_step`;
}
