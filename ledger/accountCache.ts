import type { Address } from 'viem';
import type { Cache } from '../platform/cache/cache.ts';
import { type AccountState, accountState, slices, spendableOf } from './balances.ts';
import type { LedgerContext } from './ledger.ts';
import { findAccount } from './reads.ts';

/** Longest that a reader can be shown what another write has replaced, should the cache miss that one. */
const TTL_MS = 60_000;

/** A player's account as anyone may read it; money in decimal strings of smallest units. */
export interface AccountView {
  readonly deployment: string;
  readonly player: string;
  /** What the player can stake now. */
  readonly balance: string;
  readonly chainBalance: string;
  readonly unfinalCredits: string;
  readonly pending: string;
  readonly maxStake: string;
  readonly endsAtS: number;
  readonly grantNo: number;
  /** What may still be topped up during the grant. */
  readonly topUpLeft: string;
}

/** Players' accounts for readers. Nothing that decides about money reads here. */
export interface AccountCache {
  /**
   * Keeps accounts as written, after their commit; an older version never replaces a newer one. Never
   * rejects: what fails is reported, and the next write or the expiry makes up for it.
   */
  keep(accounts: readonly AccountState[]): Promise<void>;
  /** The account, if the seat was seen: from the cache, else from the ledger. */
  find(deployment: string, player: Address): Promise<AccountView | undefined>;
}

/** Accounts behind a cache. `onError` gets the cache's failures; those of the ledger reject `find`. */
export function createAccountCache(args: {
  ledger: LedgerContext;
  cache: Cache;
  onError: (error: unknown) => void;
}): AccountCache {
  const { ledger, cache, onError } = args;

  async function keep(accounts: readonly AccountState[]): Promise<void> {
    try {
      // A rebuild writes all accounts there are: not all of them at once.
      for (const some of slices(accounts)) {
        await Promise.all(
          some.map((account) =>
            cache.setIfNewer({
              key: keyOf(account.deployment, account.player),
              version: account.version,
              value: JSON.stringify(viewOf(account)),
              ttlMs: TTL_MS,
            }),
          ),
        );
      }
    } catch (error) {
      onError(error);
    }
  }

  async function findCached(deployment: string, player: string): Promise<AccountView | undefined> {
    try {
      const value = await cache.get(keyOf(deployment, player));
      return value === undefined ? undefined : (JSON.parse(value) as AccountView);
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  async function find(deployment: string, player: Address): Promise<AccountView | undefined> {
    const cached = await findCached(deployment, player.toLowerCase());
    if (cached) return cached;
    const row = await findAccount(ledger, deployment, player);
    if (!row) return undefined;
    const account = accountState(row);
    await keep([account]);
    return viewOf(account);
  }

  return { keep, find };
}

function keyOf(deployment: string, player: string): string {
  return `account:${deployment}:${player}`;
}

function viewOf(account: AccountState): AccountView {
  return {
    deployment: account.deployment,
    player: account.player,
    balance: String(spendableOf(account)),
    chainBalance: String(account.chainBalance),
    unfinalCredits: String(account.unfinalCredits),
    pending: String(account.pending),
    maxStake: String(account.maxStake),
    endsAtS: account.endsAtS,
    grantNo: account.grantNo,
    topUpLeft: String(account.topUpLeft),
  };
}
