import type { Selectable } from 'kysely';
import type { LedgerContext } from './ledger.ts';
import type { ProviderTable } from './schema.ts';

export type Provider = Selectable<ProviderTable>;

/** Writes the credential and settings of (provider, brand), new or changed. */
export async function putProvider(context: LedgerContext, provider: Provider): Promise<void> {
  await context.journal.transaction(async (tx) => {
    const { provider: name, brand, ...settings } = provider;
    const changed = await tx
      .updateTable('provider')
      .set(settings)
      .where('provider', '=', name)
      .where('brand', '=', brand)
      .executeTakeFirst();
    if (changed.numUpdatedRows === 0n) await tx.insertInto('provider').values(provider).execute();
  });
}

/** The provider that signs with the key, if there is one. The row holds its secret. */
export async function findProviderByKey(
  context: LedgerContext,
  keyId: string,
): Promise<Provider | undefined> {
  return await context.journal.read
    .selectFrom('provider')
    .selectAll()
    .where('key_id', '=', keyId)
    .executeTakeFirst();
}

/** The provider by name and brand, if there is one. The row holds its secret. */
export async function findProvider(
  context: LedgerContext,
  provider: string,
  brand: string,
): Promise<Provider | undefined> {
  return await context.journal.read
    .selectFrom('provider')
    .selectAll()
    .where('provider', '=', provider)
    .where('brand', '=', brand)
    .executeTakeFirst();
}
