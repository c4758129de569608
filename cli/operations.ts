import { randomBytes } from 'node:crypto';
import type { Address } from 'viem';
import type { LedgerContext } from '../ledger/ledger.ts';
import { findProvider } from '../ledger/providers.ts';
import { type OpenedSession, openSession } from '../ledger/sessions.ts';
import { CroupierError } from '../platform/errors.ts';
import type { Warehouse } from '../platform/warehouse/warehouse.ts';
import { type Trace, traceBet } from './trace.ts';

const USER_QUERY_TIMEOUT_MS = 10_000;

/**
 * What an operator asks of a data folder, answered by the process that holds it: the running one
 * over HTTP, or the command itself when nothing runs.
 */
export interface Operations {
  /** @throws CroupierError `TRACE_UNKNOWN_ID` (final) */
  trace(id: string): Promise<Trace>;
  /** @throws CroupierError `PROVIDER_UNKNOWN`, `PLAYER_UNKNOWN`, `DEPLOYMENT_NOT_ACTIVE` (final) */
  openSession(args: SessionArgs): Promise<OpenedSession>;
  /** A query on the warehouse, read-only. */
  sql(query: string): Promise<Record<string, unknown>[]>;
}

export interface SessionArgs {
  readonly provider: string;
  readonly brand: string;
  readonly player: Address;
  readonly ttlS: number;
}

export function createOperations(args: {
  ledger: LedgerContext;
  warehouse: Warehouse;
}): Operations {
  const { ledger, warehouse } = args;
  return {
    trace: (id) => traceBet(ledger, warehouse, id),
    async openSession({ provider, brand, player, ttlS }) {
      const known = await findProvider(ledger, provider, brand);
      if (!known) {
        throw new CroupierError({
          code: 'PROVIDER_UNKNOWN',
          errorClass: 'final',
          message: `got provider ${provider} with brand "${brand}", expected one that has credentials here.`,
        });
      }
      return openSession(ledger, {
        deployment: known.deployment,
        provider,
        brand,
        player,
        ttlMs: ttlS * 1000,
        tokenBytes: randomBytes(32),
      });
    },
    sql: (query) => warehouse.userQuery(query, { timeoutMs: USER_QUERY_TIMEOUT_MS }),
  };
}
