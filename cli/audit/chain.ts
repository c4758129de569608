import type { Address, PublicClient } from 'viem';
import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { treasuryAbi } from '../../contracts/generated/treasury.ts';
import { type BankState, bankStatesOf, dayOf, isHalted, limitsAt } from './bankStates.ts';
import { type AuditedDeployment, type ChainLog, partsOfId } from './chainLogs.ts';
import { balancesOf, type Effect } from './effects.ts';
import type { Mismatches } from './mismatch.ts';
import type { AcceptedAction, DemoFacts } from './record.ts';

/** What the contract itself answers. */
export interface ChainState {
  readonly seats: ReadonlyMap<string, SeatState>;
  readonly banks: ReadonlyMap<string, BankMoney>;
}

export interface BankMoney {
  readonly bankroll: bigint;
  readonly reserved: bigint;
  readonly locked: bigint;
  readonly exiting: bigint;
}

export interface SeatState {
  readonly balance: bigint;
  readonly maxStake: bigint;
  readonly expiry: number;
  readonly grantNo: number;
  readonly topUpLeft: bigint;
}

/** How the accepted bets fared on chain. */
export interface ChainOutcome {
  readonly state: ChainState;
  /** The event of each accepted action, by its ref. */
  readonly outcomes: ReadonlyMap<string, ChainLog>;
  readonly rejectedBets: number;
  /** Refs of bets whose page expired while they were open. */
  readonly expired: ReadonlySet<string>;
  /** What the events make of the banks, besides their money. */
  readonly bankStates: ReadonlyMap<string, BankState>;
}

/**
 * Compares what the provider was answered with the node: every accepted action has exactly one event
 * of its own, of the right amount; no other lane event is there; no number is missing; the events add
 * up to what the contract answers (balances, limits, pauses, counters of the day), and that is what the
 * players were told.
 */
export async function auditChain(
  args: {
    client: PublicClient;
    deployment: AuditedDeployment;
    facts: DemoFacts;
    logs: readonly ChainLog[];
    effects: readonly Effect[];
    block: bigint;
  },
  mismatches: Mismatches,
): Promise<ChainOutcome> {
  const { deployment, facts, logs } = args;
  const own = logs.filter(({ args: { id } }) => {
    return typeof id === 'string' && partsOfId(id).operatorNo === deployment.operatorNo;
  });
  const { outcomes, rejectedBets } = auditOutcomes(facts.accepted, own, mismatches);
  await auditNumbers(args, own, mismatches);
  const state = await auditBalances(args, mismatches);
  const bankStates = bankStatesOf(logs, args.effects, deployment);
  await auditBanks(args, bankStates, mismatches);
  return { state, outcomes, rejectedBets, expired: expiredRefs(logs), bankStates };
}

function auditOutcomes(
  accepted: readonly AcceptedAction[],
  logs: readonly ChainLog[],
  mismatches: Mismatches,
): Pick<ChainOutcome, 'outcomes' | 'rejectedBets'> {
  const byRef = new Map<string, ChainLog[]>();
  for (const log of logs) {
    for (const ref of refsOf(log)) {
      const events = byRef.get(ref);
      if (events) events.push(log);
      else byRef.set(ref, [log]);
    }
  }
  const betRefs = new Map(
    accepted.filter(({ type }) => type === 'bet').map(({ txId, ref }) => [txId, ref]),
  );
  const outcomes = new Map<string, ChainLog>();
  let rejectedBets = 0;
  for (const action of accepted) {
    const { txId, ref, type, player } = action;
    const at = (field: string) => ({ store: 'chain', key: txId, field }) as const;
    const events = byRef.get(ref) ?? [];
    byRef.delete(ref);
    const [log] = events;
    if (!mismatches.check(at('events'), 1, events.length) || !log) continue;
    if (log.event === 'Rejected' || log.event === 'OpenRejected') {
      if (type === 'bet') rejectedBets += 1;
      mismatches.check(at('event'), 'landed', `${log.event} code ${log.args.code}`);
      continue;
    }
    outcomes.set(ref, log);
    mismatches.check(at('event'), expectedEvents(action, log.event), log.event);
    mismatches.check(at('player'), player, log.args.player);
    const amount = amountField(action, log.event);
    mismatches.check(at(amount), action.amount, log.args[amount]);
    if (log.event === 'Opened') {
      mismatches.check(at('maxPayout'), action.maxPayout, log.args.maxPayout);
    }
    // The result stands in the event of its own bet, or carries its bet's id.
    if (type === 'win' || type === 'void') {
      const bet = outcomes.get(betRefs.get(action.betTxId) ?? '');
      mismatches.check(at('id'), bet?.args.id, log.args.id);
      if (log.event === 'Played') {
        mismatches.check(at('refBet'), betRefs.get(action.betTxId), log.args.refBet);
      }
    }
  }
  for (const [ref, [log]] of byRef) {
    mismatches.check({ store: 'chain', key: ref, field: 'event' }, 'none', log?.event);
  }
  return { outcomes, rejectedBets };
}

function refsOf({ event, args }: ChainLog): string[] {
  const refs = event === 'Played' ? [args.refBet, args.refWin] : [args.ref];
  return refs.filter((ref) => typeof ref === 'string');
}

/** The event itself where the action may have it, else what it should have been. */
function expectedEvents({ type }: AcceptedAction, event: string): string {
  const possible = {
    bet: ['Played', 'Opened'],
    win: ['Played', 'Settled'],
    void: ['Voided'],
    credit: ['Credited'],
  }[type];
  return possible.includes(event) ? event : possible.join(' or ');
}

function amountField({ type }: AcceptedAction, event: string): string {
  if (type === 'win') return 'payout';
  return event === 'Credited' ? 'amount' : 'stake';
}

/** Each number below `next` has one event of its own id; batches join; counted events have no gap. */
async function auditNumbers(
  args: {
    client: PublicClient;
    deployment: AuditedDeployment;
    logs: readonly ChainLog[];
    block: bigint;
  },
  own: readonly ChainLog[],
  mismatches: Mismatches,
): Promise<void> {
  const { client, deployment, logs, block: blockNumber } = args;
  const { betBook, treasury, operator, operatorNo } = deployment;
  const { shards } = await client.readContract({
    address: betBook,
    abi: betBookAbi,
    functionName: 'operator',
    args: [operator],
    blockNumber,
  });
  const opened = new Set<unknown>();
  const closed = new Set(own.filter(({ event }) => event === 'Closed').map((log) => log.args.id));
  const numbered = own.filter(({ event, args: { id } }) => {
    if (event === 'Opened' || event === 'OpenRejected') opened.add(id);
    if (event === 'Rejected') return !opened.has(id) && !closed.has(id);
    return event !== 'Settled' && event !== 'Voided';
  });
  const ids = numbered.map(({ args: { id } }) => partsOfId(String(id)));
  const idsOfLane = Map.groupBy(ids, ({ lane }) => lane);
  for (let shard = 0; shard < shards; shard++) {
    const lane = operatorNo * 65_536 + shard;
    const key = `lane ${lane}`;
    const next = await client.readContract({
      address: betBook,
      abi: betBookAbi,
      functionName: 'lane',
      args: [lane],
      blockNumber,
    });
    const seqs = (idsOfLane.get(lane) ?? []).map(({ seq }) => seq).sort((a, b) => a - b);
    mismatches.check({ store: 'chain', key, field: 'numbers' }, next, seqs.length);
    const gap = seqs.findIndex((seq, index) => seq !== index);
    mismatches.check({ store: 'chain', key, field: 'first wrong number' }, -1, gap);
    let expected = 0;
    for (const { event, args: values } of logs) {
      if (event !== 'BatchApplied' || Number(values.lane) !== lane) continue;
      mismatches.check({ store: 'chain', key, field: 'batch.first' }, expected, values.first);
      expected = Number(values.next);
    }
    mismatches.check({ store: 'chain', key, field: 'batch.next' }, next, expected);
  }
  for (const contract of ['treasury', 'bet_book'] as const) {
    const count = await client.readContract({
      address: contract === 'treasury' ? treasury : betBook,
      abi: contract === 'treasury' ? treasuryAbi : betBookAbi,
      functionName: 'eventCount',
      blockNumber,
    });
    const counted = logs.filter((log) => log.contract === contract && log.args.n !== undefined);
    const gap = counted.findIndex(({ args: { n } }, index) => Number(n) !== index + 1);
    mismatches.check({ store: 'chain', key: contract, field: 'eventCount' }, count, counted.length);
    mismatches.check({ store: 'chain', key: contract, field: 'first wrong n' }, -1, gap);
  }
}

async function auditBalances(
  args: {
    client: PublicClient;
    deployment: AuditedDeployment;
    facts: DemoFacts;
    logs: readonly ChainLog[];
    effects: readonly Effect[];
    block: bigint;
  },
  mismatches: Mismatches,
): Promise<ChainState> {
  const { client, deployment, facts, block: blockNumber } = args;
  const { betBook: address, operator } = deployment;
  const balances = balancesOf(args.effects);
  const seats = new Map<string, SeatState>();
  const banks = new Map<string, BankMoney>();
  const topUps = topUpsOf(args.logs, deployment);
  const operatorText = operator.toLowerCase();
  const players = new Set(facts.balances.keys());
  for (const { event, args: values } of args.logs) {
    if (values.operator !== operatorText) continue;
    if (event === 'SeatFunded') players.add(String(values.player));
    if (event !== 'BankOpened') continue;
    const bank = await client.readContract({
      address,
      abi: betBookAbi,
      functionName: 'bank',
      args: [Number(values.bank)],
      blockNumber,
    });
    banks.set(String(values.bank), bank);
    for (const part of ['bankroll', 'reserved', 'locked', 'exiting'] as const) {
      const key = `${part}:${values.bank}`;
      const sum = balances.get(key) ?? 0n;
      mismatches.check({ store: 'chain', key, field: 'sum of events' }, bank[part], sum);
    }
  }
  for (const player of players) {
    const seat = await client.readContract({
      address,
      abi: betBookAbi,
      functionName: 'seat',
      args: [player as Address, operator],
      blockNumber,
    });
    const topUpLeft = await client.readContract({
      address,
      abi: betBookAbi,
      functionName: 'topUpLeft',
      args: [player as Address, operator],
      blockNumber,
    });
    seats.set(player, { ...seat, topUpLeft });
    const key = `seat:${player}`;
    const sum = balances.get(key) ?? 0n;
    mismatches.check({ store: 'chain', key, field: 'sum of events' }, seat.balance, sum);
    const left = topUps.get(player) ?? 0n;
    mismatches.check({ store: 'chain', key, field: 'topUpLeft' }, topUpLeft, left);
    const predicted = facts.balances.get(player);
    if (predicted === undefined) continue;
    mismatches.check({ store: 'chain', key, field: 'balance' }, predicted, seat.balance);
  }
  for (const contract of ['treasury', 'bet_book'] as const) {
    const [held, owed] = await client.readContract({
      address: contract === 'treasury' ? deployment.treasury : address,
      abi: contract === 'treasury' ? treasuryAbi : betBookAbi,
      functionName: 'solvency',
      blockNumber,
    });
    mismatches.check({ store: 'chain', key: contract, field: 'solvent' }, true, held >= owed);
  }
  return { seats, banks };
}

/** Limits, pause, halt and the day's counters of each bank, from the events and from the getters. */
async function auditBanks(
  args: { client: PublicClient; deployment: AuditedDeployment; block: bigint },
  states: ReadonlyMap<string, BankState>,
  mismatches: Mismatches,
): Promise<void> {
  const { client, block: blockNumber } = args;
  const timeS = Number((await client.getBlock({ blockNumber })).timestamp);
  for (const [number, state] of states) {
    const read = { address: args.deployment.betBook, abi: betBookAbi, blockNumber } as const;
    const bank = await client.readContract({
      ...read,
      functionName: 'bank',
      args: [Number(number)],
    });
    const limits = await client.readContract({
      ...read,
      functionName: 'limits',
      args: [Number(number)],
    });
    const [announced, readyAt] = await client.readContract({
      ...read,
      functionName: 'pendingLimits',
      args: [Number(number)],
    });
    const isPending = state.announced !== null && timeS < state.readyAt;
    const pending = (isPending && state.announced) || [0n, 0n, 0n, 0n, 0n];
    const check = (field: string, expected: unknown, got: unknown): void => {
      mismatches.check({ store: 'chain', key: `bank ${number}`, field }, expected, got);
    };
    check('limits', Object.values(limits).join(), limitsAt(state, timeS).join());
    check('pendingLimits', Object.values(announced).join(), pending.join());
    check('pendingLimits.readyAt', readyAt, isPending ? state.readyAt : 0);
    check('pausedUntil', bank.pausedUntil, state.pausedUntil);
    check('halted', bank.halted, isHalted(state, timeS));
    check('exitAt', bank.exitAt, state.exitAt);
    const day = dayOf(state, timeS);
    for (const part of ['loss', 'won', 'credited'] as const) check(part, bank[part], day[part]);
  }
}

/** What is left of each player's top-up, from the events. */
function topUpsOf(logs: readonly ChainLog[], deployment: AuditedDeployment): Map<string, bigint> {
  const left = new Map<string, bigint>();
  const operator = deployment.operator.toLowerCase();
  for (const { event, args: values } of logs) {
    const player = String(values.player);
    if (event === 'SeatFunded' && values.operator === operator) {
      left.set(player, BigInt(String(values.topUp)));
    }
    if (event !== 'ToppedUp') continue;
    if (partsOfId(String(values.id)).operatorNo !== deployment.operatorNo) continue;
    left.set(player, (left.get(player) ?? 0n) - BigInt(String(values.amount)));
  }
  return left;
}

function expiredRefs(logs: readonly ChainLog[]): Set<string> {
  const opened = new Map<string, string>();
  const expired = new Set<string>();
  for (const { event, args: values } of logs) {
    if (event === 'Opened') {
      const { lane, seq } = partsOfId(String(values.id));
      opened.set(`${lane}:${seq}`, String(values.ref));
    }
    if (event !== 'Expired') continue;
    const lane = BigInt(String(values.page)) >> 32n;
    const mask = BigInt(String(values.mask));
    for (let offset = 0; mask >> BigInt(offset) > 0n; offset++) {
      if (((mask >> BigInt(offset)) & 1n) === 0n) continue;
      const ref = opened.get(`${lane}:${Number(values.firstSeq) + offset}`);
      if (ref !== undefined) expired.add(ref);
    }
  }
  return expired;
}
