import type { Address } from 'viem';
import type { ClientAnswer, NativeGrant, ProviderClient } from '../../gateway/client.ts';
import type { Clock } from '../../platform/clock.ts';
import { CroupierError } from '../../platform/errors.ts';
import { type SeatedPlayer, seatPlayer } from './exchange.ts';
import { BUY_IN_UNITS } from './plan.ts';
import { type DemoChain, demoAccount, signGrant } from './player.ts';
import { balanceAfter } from './predict.ts';
import type { DemoRecord, PlayerRow } from './record.ts';

/** From the grant to its finality there are two transactions and a few blocks. */
const SEAT_TIMEOUT_MS = 120_000;
const POLL_MS = 150;

export interface SeatArgs {
  readonly client: ProviderClient;
  readonly record: DemoRecord;
  readonly seed: string;
  readonly playerCount: number;
  readonly chain: DemoChain;
  /** Time of a recent block, seconds. */
  readonly chainTimeS: () => Promise<number>;
  /** Gives each player so many tokens; resolves once that is mined. */
  readonly faucet: (players: readonly Address[], amountUnits: bigint) => Promise<void>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Brings every player to the table: tokens, a signed grant, a session, until the house shows the
 * buy-in as the balance. Players who sat there before only get a session. Nothing when stopped.
 * @throws CroupierError `DEMO_GRANT_FAILED` (final), `DEMO_SEAT_TIMEOUT` (retryable)
 */
export async function takeSeats(args: SeatArgs): Promise<SeatedPlayer[] | undefined> {
  const { record, seed, chain } = args;
  const known = new Map(record.players().map((row) => [row.playerNo, row]));
  const accounts = Array.from({ length: args.playerCount }, (_, no) => demoAccount(seed, no));
  const unknown = accounts.filter((_, playerNo) => !known.has(playerNo));
  if (unknown.length > 0) {
    // Before anything is recorded of them: who is recorded has the tokens.
    await args.faucet(
      unknown.map(({ address }) => address),
      BUY_IN_UNITS,
    );
  }
  const chainTimeS = await args.chainTimeS();
  const last = new Map(record.lastExchanges().map((exchange) => [exchange.player, exchange]));
  const seated = await Promise.all(
    accounts.map(async (account, playerNo): Promise<SeatedPlayer | undefined> => {
      const row = known.get(playerNo) ?? {
        playerNo,
        player: account.address.toLowerCase(),
        buyIn: `${BUY_IN_UNITS}`,
        grantBody: JSON.stringify(await signGrant(account, chain, chainTimeS)),
        seated: false,
      };
      if (!known.has(playerNo)) record.writePlayer(row);
      const address = row.player as Address;
      if (!row.seated && !(await sit(args, row))) return undefined;
      const session = await openSession(args, address);
      if (session === undefined) return undefined;
      const before = last.get(address);
      return seatPlayer({
        address,
        session,
        balanceUnits: before ? balanceAfter(before) : BigInt(row.buyIn),
        playerSeq: before ? before.playerSeq + 1 : 0,
      });
    }),
  );
  return seated.every((player) => player !== undefined) ? seated : undefined;
}

/** Sends the recorded grant and waits for the balance; false when stopped before. */
async function sit(args: SeatArgs, row: PlayerRow): Promise<boolean> {
  const grant: NativeGrant = JSON.parse(row.grantBody);
  const call = Number(fieldsOf(await args.client.grant(grant), 202, row).call);
  const deadlineMs = args.clock.nowMs() + SEAT_TIMEOUT_MS;
  let done = false;
  while (!args.signal.aborted) {
    if (!done) {
      const { state, error } = fieldsOf(await args.client.grantState(call), 200, row);
      if (state === 'failed') throw grantFailed(row, `state failed: ${String(error)}`);
      done = state === 'done';
    } else {
      const answer = await args.client.player(row.player as Address);
      if (answer.status === 200 && JSON.parse(answer.text).balance === row.buyIn) {
        args.record.markSeated(row.playerNo);
        return true;
      }
    }
    if (args.clock.nowMs() > deadlineMs) throw seatTimeout(row.player);
    await args.clock.sleep(POLL_MS, args.signal);
  }
  return false;
}

/**
 * Opens a session and resolves to its token as soon as the house knows the player; nothing when stopped before.
 * @throws CroupierError `DEMO_SEAT_TIMEOUT` (retryable)
 */
export async function openSession(
  args: Pick<SeatArgs, 'client' | 'clock' | 'signal'>,
  player: Address,
): Promise<string | undefined> {
  const deadlineMs = args.clock.nowMs() + SEAT_TIMEOUT_MS;
  while (!args.signal.aborted) {
    const answer = await args.client.session({ player });
    if (answer.status === 201) return String(JSON.parse(answer.text).session);
    if (args.clock.nowMs() > deadlineMs) throw seatTimeout(player);
    await args.clock.sleep(POLL_MS, args.signal);
  }
  return undefined;
}

function fieldsOf(answer: ClientAnswer, status: number, row: PlayerRow): Record<string, unknown> {
  if (answer.status !== status) throw grantFailed(row, `${answer.status} ${answer.text}`);
  return JSON.parse(answer.text);
}

function grantFailed(row: PlayerRow, got: string): CroupierError {
  return new CroupierError({
    code: 'DEMO_GRANT_FAILED',
    errorClass: 'final',
    message: `got ${got} for the grant of ${row.player}, expected a seat`,
  });
}

function seatTimeout(player: string): CroupierError {
  return new CroupierError({
    code: 'DEMO_SEAT_TIMEOUT',
    errorClass: 'retryable',
    message: `got no seat with the whole buy-in for ${player}, expected one within ${SEAT_TIMEOUT_MS / 1000} s`,
  });
}
