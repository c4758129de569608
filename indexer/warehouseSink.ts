import { CroupierError } from '../platform/errors.ts';
import type { IndexerContext } from './context.ts';
import { differingTables, type StepDigest, warehouseDigests } from './digest.ts';
import { rowsOf, type StepContent } from './place.ts';
import type { Sink } from './sink.ts';

/**
 * Writes a step's rows, a block per table. Before and after, the warehouse is asked what it holds of
 * the step; only a digest over every column of every row counts as delivered.
 *
 * `deliver` throws CroupierError `WAREHOUSE_STEP_DIFFERS` (fatal) when it holds other rows of the
 * step than it should, or takes none.
 */
export function createWarehouseSink(context: IndexerContext): Sink {
  return {
    name: 'warehouse',
    async deliver({ content, digest }) {
      const missing = await missingTables(context, content, digest);
      if (missing.length > 0) {
        await insertTables(context, content, missing, tokenOf(context, content));
        const swallowed = await missingTables(context, content, digest);
        if (swallowed.length > 0) {
          // The token is known and the rows are gone: the engine lost a block (power loss) and
          // remembers its token. Only a token of its own brings them back.
          await insertTables(context, content, swallowed, `${tokenOf(context, content)}:repair`);
          const [table] = await missingTables(context, content, digest);
          if (table) throw differs(table, content, digest, {});
        }
      }
      context.crash('warehouse.inserted');
    },
  };
}

/** Tables that hold nothing of the step; any that holds something else is an error. */
async function missingTables(
  context: IndexerContext,
  content: StepContent,
  digest: StepDigest,
): Promise<string[]> {
  const tables = context.tables.filter((table) => table.name in digest);
  const found =
    (
      await warehouseDigests(context.warehouse, tables, {
        deployment: content.deployment,
        epoch: content.epoch,
        from: content.step,
        to: content.step,
      })
    ).get(content.step) ?? {};
  const differing = differingTables(digest, found);
  const wrong = differing.find((table) => (found[table]?.rows ?? 0) > 0);
  if (wrong) throw differs(wrong, content, digest, found);
  return differing;
}

async function insertTables(
  context: IndexerContext,
  content: StepContent,
  names: readonly string[],
  token: string,
): Promise<void> {
  const rows = rowsOf(content, context.specs);
  for (const [index, name] of names.entries()) {
    const table = context.tables.find((candidate) => candidate.name === name);
    if (!table) throw new Error(`got a step with rows of ${name}, expected a known table`);
    await context.warehouse.insert({
      table,
      rows: rows.get(name) ?? [],
      deduplicationToken: `${token}:${name}`,
    });
    if (index < names.length - 1) context.crash('warehouse.table');
  }
}

function tokenOf(context: IndexerContext, content: StepContent): string {
  return `${context.stream.name}:${content.deployment}:${content.epoch}:${content.step}`;
}

/** The error of a table that does not hold what a step put there. */
export function differs(
  table: string,
  place: { readonly epoch: number; readonly step: number },
  expected: StepDigest,
  found: StepDigest,
): CroupierError {
  const describe = (digest: StepDigest): string =>
    `${digest[table]?.rows ?? 0} rows with digest ${digest[table]?.sum ?? 0}`;
  return new CroupierError({
    code: 'WAREHOUSE_STEP_DIFFERS',
    errorClass: 'fatal',
    message: `got ${describe(found)} in ${table} of step ${place.step} (epoch ${place.epoch}), expected ${describe(expected)}: the warehouse was changed or lost rows`,
    details: { table, epoch: place.epoch, step: place.step },
  });
}
