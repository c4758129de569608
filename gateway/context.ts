import type { AccountCache } from '../ledger/accountCache.ts';
import type { LedgerContext } from '../ledger/ledger.ts';
import type { Answer, CanonicalRequest } from '../ledger/request.ts';
import type { Keyring } from './auth/keyring.ts';

/** What the routes work with. */
export interface GatewayContext {
  readonly ledger: LedgerContext;
  readonly accounts: AccountCache;
  readonly keyring: Keyring;
  /** The deployment that public reads are about; another one after a chain was reset. */
  readonly currentDeployment: () => string;
  /** Scheme, host and port that providers address, where a proxy stands in front. */
  readonly publicOrigin: string | undefined;
  /** `accept` of the ledger, in sets. */
  readonly accept: (request: CanonicalRequest) => Promise<Answer>;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Called when a call (a deposit, a grant) was written down. */
  readonly onCall: () => void;
}
