import type { Address } from 'viem';
import { CroupierError } from '../platform/errors.ts';
import { tokenHash } from './keys.ts';
import type { LedgerContext } from './ledger.ts';

export interface OpenedSession {
  /** Shown once; only its hash is kept. */
  readonly token: string;
  readonly player: Address;
  /** Spendable balance, smallest units. */
  readonly balance: string;
  readonly expiresMs: number;
}

export interface Session {
  readonly deployment: string;
  readonly provider: string;
  readonly brand: string;
  readonly player: Address;
  readonly expiresMs: number;
  /** `retired`: of a deployment that is no longer in use; it opens nothing there and is never moved. */
  readonly state: 'live' | 'expired' | 'retired';
}

/**
 * Opens a session of a seated player. `tokenBytes` are 32 random bytes, which make the token.
 * @throws CroupierError `DEPLOYMENT_NOT_ACTIVE` (final), `PLAYER_UNKNOWN` (final): no seat was seen
 */
export async function openSession(
  context: LedgerContext,
  args: {
    deployment: string;
    provider: string;
    brand: string;
    player: Address;
    ttlMs: number;
    tokenBytes: Uint8Array;
  },
): Promise<OpenedSession> {
  const player = args.player.toLowerCase() as Address;
  const token = Buffer.from(args.tokenBytes).toString('base64url');
  const expiresMs = context.clock.nowMs() + args.ttlMs;
  return await context.journal.transaction(async (tx) => {
    const deployment = await tx
      .selectFrom('deployment')
      .select('state')
      .where('deployment', '=', args.deployment)
      .executeTakeFirst();
    if (!deployment || deployment.state === 'retired') {
      throw new CroupierError({
        code: 'DEPLOYMENT_NOT_ACTIVE',
        errorClass: 'final',
        message: `Got a session for deployment ${args.deployment}, which is ${deployment ? 'retired' : 'unknown'}; expected the one in use.`,
      });
    }
    const account = await tx
      .selectFrom('account')
      .select('spendable')
      .where('deployment', '=', args.deployment)
      .where('player', '=', player)
      .executeTakeFirst();
    if (!account) {
      throw new CroupierError({
        code: 'PLAYER_UNKNOWN',
        errorClass: 'final',
        message: `Got a session for player ${player}, expected a player whose seat was seen on chain.`,
      });
    }
    await tx
      .insertInto('session')
      .values({
        token_hash: tokenHash(token),
        deployment: args.deployment,
        provider: args.provider,
        brand: args.brand,
        player,
        expires_ms: expiresMs,
      })
      .execute();
    return { token, player, balance: account.spendable, expiresMs };
  });
}

/** The session of a token, if it was ever opened. */
export async function findSession(
  context: LedgerContext,
  token: string,
): Promise<Session | undefined> {
  const row = await context.journal.read
    .selectFrom('session')
    .innerJoin('deployment', 'deployment.deployment', 'session.deployment')
    .selectAll('session')
    .select('deployment.state')
    .where('token_hash', '=', tokenHash(token))
    .executeTakeFirst();
  if (!row) return undefined;
  const live = row.expires_ms > context.clock.nowMs() ? 'live' : 'expired';
  return {
    deployment: row.deployment,
    provider: row.provider,
    brand: row.brand,
    player: row.player as Address,
    expiresMs: row.expires_ms,
    state: row.state === 'retired' ? 'retired' : live,
  };
}
