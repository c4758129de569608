import type { Insertable, Selectable } from 'kysely';
import { shardOf } from '../contracts/encoding/message.ts';
import { acceptedAnswer, problemAnswer } from './answers.ts';
import { type AccountState, type BankState, spendableOf } from './balances.ts';
import type { DaySums } from './bankDay.ts';
import type { Deployment } from './deployments.ts';
import { above, type Gate, type Refusal, refuseBet, refuseCredit } from './gate.ts';
import type { Prepared } from './prepare.ts';
import type { Provider } from './providers.ts';
import type {
  Answer,
  BetAction,
  CanonicalRequest,
  CreditAction,
  VoidAction,
  WinAction,
} from './request.ts';
import type { BetTable, IntentTable } from './schema.ts';

export type BetRow = Selectable<BetTable>;
export type NewIntent = Insertable<IntentTable> & { plan_after_ms: number };

/** What an intent of a bet tells its result: whether both can still become one PLAY. */
export interface BetIntent {
  readonly state: IntentTable['state'];
  readonly hold: bigint;
}

/** The locked rows that a set of requests touches, by hex key, and what deciding adds to them. */
export interface Desk {
  readonly deployment: Deployment;
  readonly nowMs: number;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly accounts: ReadonlyMap<string, AccountState>;
  readonly banks: ReadonlyMap<number, BankState>;
  /** The banks' days, by `dayKey`. */
  readonly days: ReadonlyMap<string, DaySums>;
  readonly bets: Map<string, BetRow>;
  readonly betIntents: Map<string, BetIntent>;
  readonly intents: NewIntent[];
  readonly changedBets: Set<string>;
  /** Bets whose result came: they wait for nothing more. */
  readonly readyBets: Set<string>;
}

/** Key of a provider in `Desk.providers`. */
export function providerKey(provider: string, brand: string): string {
  return JSON.stringify([provider, brand]);
}

/**
 * Decides one request on the rows of the desk, changes them as accepted, and answers. The sizes of
 * the sets are bounded by the caller.
 */
export function decide(desk: Desk, prepared: Prepared): Answer {
  const { action } = prepared.request;
  if (desk.deployment.state === 'rebuilding') {
    // Not even a result: the balance in its answer would be wrong.
    return problemAnswer(
      'DEPLOYMENT_REBUILDING',
      `got a ${action.type} while balances are read from the chain anew, expected it afterwards`,
    );
  }
  switch (action.type) {
    case 'bet':
      return decideBet(desk, prepared, action);
    case 'win':
      return decideWin(desk, prepared, action);
    case 'void':
      return decideVoid(desk, prepared, action);
    case 'credit':
      return decideCredit(desk, prepared, action);
  }
}

function decideBet(desk: Desk, prepared: Prepared, action: BetAction): Answer {
  const { request } = prepared;
  const { stakeUnits, maxPayoutUnits } = action;
  const risk = riskOf(desk, request);
  if ('code' in risk) return problem(risk);
  const { account, bank, provider } = risk;
  const { betHex } = prepared;
  const known = desk.bets.get(betHex);
  if (known) {
    return problemAnswer(
      'BET_VOIDED_BEFORE',
      `got bet ${action.txId}, of which a void came before; expected one that was not voided`,
    );
  }
  if (stakeUnits === 0n) return problemAnswer('STAKE_ZERO', 'got stake 0, expected more');
  if (account.endsAtS * 1000 <= desk.nowMs) {
    return problemAnswer(
      'SEAT_ENDED',
      `got a bet of a seat that ended at ${account.endsAtS} s, expected one that lasts`,
    );
  }
  if (stakeUnits > account.maxStake) {
    return problem(above('STAKE_ABOVE_LIMIT', 'stake', stakeUnits, account.maxStake));
  }
  if (stakeUnits > spendableOf(account)) {
    return problem(above('STAKE_ABOVE_BALANCE', 'stake', stakeUnits, spendableOf(account)));
  }
  if (maxPayoutUnits < stakeUnits) {
    return problemAnswer(
      'MAX_PAYOUT_BELOW_STAKE',
      `got maxPayout ${maxPayoutUnits}, expected at least the stake ${stakeUnits}`,
    );
  }
  const refusal = refuseBet(gateOf(desk, bank), {
    stakeUnits,
    maxPayoutUnits,
    dueMs: provider.due_ms,
  });
  if (refusal) return problem(refusal);
  const hold = maxPayoutUnits - stakeUnits;
  desk.bets.set(betHex, newBet(desk, prepared, action, bank.bank));
  desk.changedBets.add(betHex);
  desk.betIntents.set(betHex, { state: 'pending', hold });
  addIntent(desk, prepared, account, bank, {
    kind: 'bet',
    amount: stakeUnits,
    delta: -stakeUnits,
    hold,
    planAfterMs: desk.nowMs + provider.play_window_ms,
  });
  return accepted(prepared, account);
}

function decideWin(desk: Desk, prepared: Prepared, action: WinAction): Answer {
  const { request } = prepared;
  const key = prepared.betHex;
  const bet = desk.bets.get(key);
  if (!bet) {
    return problemAnswer(
      'BET_UNKNOWN',
      `got a result of bet ${action.betTxId}, expected the bet before it`,
    );
  }
  const closed = closedReason(bet, request);
  if (closed) return problem(closed);
  const { payoutUnits } = action;
  if (payoutUnits > BigInt(bet.max_payout)) {
    return problem(above('PAYOUT_ABOVE_RESERVE', 'payout', payoutUnits, BigInt(bet.max_payout)));
  }
  const account = required(desk.accounts.get(bet.player));
  const bank = required(desk.banks.get(bet.bank));
  desk.bets.set(key, { ...bet, state: 'settled', payout: String(payoutUnits) });
  addIntent(desk, prepared, account, bank, {
    kind: 'win',
    amount: payoutUnits,
    delta: payoutUnits,
    hold: holdOfWin(desk.betIntents.get(key), payoutUnits - BigInt(bet.stake)),
    planAfterMs: desk.nowMs,
  });
  closeBet(desk, key);
  return accepted(prepared, account);
}

function decideVoid(desk: Desk, prepared: Prepared, action: VoidAction): Answer {
  const { request } = prepared;
  const key = prepared.betHex;
  const bet = desk.bets.get(key);
  if (!bet) {
    desk.bets.set(key, newTombstone(desk, prepared, action.betTxId));
    desk.changedBets.add(key);
    return accepted(prepared, desk.accounts.get(request.player));
  }
  const closed = closedReason(bet, request);
  if (closed) return problem(closed);
  const account = required(desk.accounts.get(bet.player));
  const bank = required(desk.banks.get(bet.bank));
  desk.bets.set(key, { ...bet, state: 'voided' });
  addIntent(desk, prepared, account, bank, {
    kind: 'void',
    amount: BigInt(bet.stake),
    delta: BigInt(bet.stake),
    hold: 0n,
    planAfterMs: desk.nowMs,
  });
  closeBet(desk, key);
  return accepted(prepared, account);
}

function decideCredit(desk: Desk, prepared: Prepared, action: CreditAction): Answer {
  const { request } = prepared;
  const risk = riskOf(desk, request);
  if ('code' in risk) return problem(risk);
  const { account, bank } = risk;
  const { amountUnits } = action;
  if (amountUnits === 0n) return problemAnswer('AMOUNT_ZERO', 'got amount 0, expected more');
  const refusal = refuseCredit(gateOf(desk, bank), amountUnits);
  if (refusal) return problem(refusal);
  addIntent(desk, prepared, account, bank, {
    kind: 'credit',
    amount: amountUnits,
    delta: amountUnits,
    hold: amountUnits,
    planAfterMs: desk.nowMs,
  });
  return accepted(prepared, account);
}

/** What new risk needs: a seat, a provider with a bank. */
function riskOf(
  desk: Desk,
  { provider: name, brand, player }: CanonicalRequest,
): { account: AccountState; bank: BankState; provider: Provider } | Refusal {
  const provider = desk.providers.get(providerKey(name, brand));
  if (provider?.deployment !== desk.deployment.deployment) {
    return {
      code: 'PROVIDER_UNKNOWN',
      detail: `got provider ${name}, brand ${JSON.stringify(brand)}, expected one of this deployment`,
    };
  }
  const account = desk.accounts.get(player);
  if (!account) {
    return {
      code: 'PLAYER_UNKNOWN',
      detail: `got player ${player}, expected one whose seat was seen on chain`,
    };
  }
  const bank = desk.banks.get(provider.bank);
  if (!bank) {
    return {
      code: 'BANK_UNKNOWN',
      detail: `got bank ${provider.bank}, expected one seen on chain`,
    };
  }
  return { account, bank, provider };
}

function closedReason(bet: BetRow, request: CanonicalRequest): Refusal | undefined {
  const what = `got a ${request.action.type} of bet ${bet.tx_id}`;
  if (bet.state === 'voided' || bet.state === 'tombstone') {
    return { code: 'BET_VOIDED', detail: `${what}, which is voided; expected an open one` };
  }
  if (bet.player !== request.player) {
    return { code: 'BET_OF_OTHER_PLAYER', detail: `${what}, expected the player who placed it` };
  }
  if (bet.state === 'expired') {
    return { code: 'BET_EXPIRED', detail: `${what}, which expired; expected an open one` };
  }
  if (bet.state === 'settled') {
    return {
      code: 'BET_ALREADY_SETTLED',
      detail: `${what}, which is settled; expected an open one`,
    };
  }
  return undefined;
}

/** A win that is sure to be played with its bet makes the bank's worst case the real one. */
function holdOfWin(bet: BetIntent | undefined, lossUnits: bigint): bigint {
  if (bet?.state !== 'pending') return 0n;
  return (lossUnits > 0n ? lossUnits : 0n) - bet.hold;
}

function closeBet(desk: Desk, key: string): void {
  desk.changedBets.add(key);
  desk.readyBets.add(key);
}

function gateOf(desk: Desk, bank: BankState): Gate {
  return { bank, days: desk.days, nowS: Math.floor(desk.nowMs / 1000) };
}

function problem({ code, detail }: Refusal): Answer {
  return problemAnswer(code, detail);
}

function addIntent(
  desk: Desk,
  { request, requestKey, txKey, betKey, ref }: Prepared,
  account: AccountState,
  bank: BankState,
  effect: {
    kind: IntentTable['kind'];
    amount: bigint;
    delta: bigint;
    hold: bigint;
    planAfterMs: number;
  },
): void {
  account.playerSeq += 1;
  account.pending += effect.delta;
  bank.hold += effect.hold;
  if (effect.kind === 'credit') bank.creditHold += effect.hold;
  desk.intents.push({
    deployment: desk.deployment.deployment,
    tx_key: txKey,
    tx_id: request.action.txId,
    request_key: requestKey,
    bet_key: betKey,
    kind: effect.kind,
    player: request.player,
    player_seq: account.playerSeq,
    lane: shardOf(request.player, desk.deployment.shards),
    bank: bank.bank,
    amount: String(effect.amount),
    ref,
    delta: String(effect.delta),
    hold: String(effect.hold),
    state: 'pending',
    attempt: 1,
    seq: null,
    plan_after_ms: effect.planAfterMs,
    accepted_ms: desk.nowMs,
    landed_block: null,
    landed_tx: null,
    rejection_code: null,
  });
}

function newBet(desk: Desk, prepared: Prepared, action: BetAction, bank: number): BetRow {
  return {
    ...newTombstone(desk, prepared, action.txId),
    state: 'open',
    bank,
    stake: String(action.stakeUnits),
    max_payout: String(action.maxPayoutUnits),
  };
}

function newTombstone(desk: Desk, { request, betKey }: Prepared, txId: string): BetRow {
  return {
    deployment: desk.deployment.deployment,
    bet_key: betKey,
    state: 'tombstone',
    provider: request.provider,
    brand: request.brand,
    tx_id: txId,
    player: request.player,
    game: request.game,
    round: request.round,
    bank: 0,
    stake: '0',
    max_payout: '0',
    payout: null,
    slot: null,
    lane: null,
    seq: null,
    due_s: null,
  };
}

function accepted({ request, ref }: Prepared, account: AccountState | undefined): Answer {
  const { provider, brand, round, player, action } = request;
  return acceptedAnswer({
    state: 'accepted',
    provider,
    brand,
    round,
    txId: action.txId,
    ref,
    player,
    balance: String(account ? spendableOf(account) : 0n),
  });
}

function required<T>(row: T | undefined): T {
  if (row === undefined)
    throw new Error('got no row, expected the seat and bank of an accepted bet');
  return row;
}
