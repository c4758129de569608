import { type AuditedDeployment, type ChainLog, partsOfId } from './chainLogs.ts';

/** What an event does to one account: `seat:<address>`, `bankroll:`, `reserved:`, `locked:` or `exiting:<bank>`. */
export interface Effect {
  readonly log: ChainLog;
  readonly account: string;
  /** Never 0. */
  readonly amount: bigint;
}

const PAGE_BETS_MAX = 64;
const EXITING = new Set(['ExitRequested', 'ExitCancelled', 'BankExited']);

/**
 * What the events of the operator do to its seats and banks, in order, by the rules that the
 * contracts document. The sum of an account's effects is its balance.
 */
export function effectsOf(logs: readonly ChainLog[], deployment: AuditedDeployment): Effect[] {
  const operator = deployment.operator.toLowerCase();
  const banks = new Set<string>();
  const open = new Map<string, { player: string; bank: number; stake: bigint; profit: bigint }>();
  const openKey = (lane: number, seq: number): string => `${lane}:${seq}`;
  const exiting = new Map<string, bigint>();
  const effects: Effect[] = [];
  for (const log of logs) {
    const add = (account: string, amount: bigint): void => {
      if (amount !== 0n) effects.push({ log, account, amount });
    };
    const text = (name: string): string => String(log.args[name]);
    const units = (name: string): bigint => BigInt(text(name));
    const seat = `seat:${text('player')}`;

    if (log.contract !== 'bet_book') continue;
    if (log.event === 'BankOpened') {
      if (text('operator') === operator) banks.add(text('bank'));
    } else if (log.event === 'BankFunded') {
      if (banks.has(text('bank'))) add(`bankroll:${text('bank')}`, units('amount'));
    } else if (EXITING.has(log.event) && banks.has(text('bank'))) {
      const bank = text('bank');
      const before = exiting.get(bank) ?? 0n;
      const left = log.event === 'BankExited' ? before - units('amount') : 0n;
      const after = log.event === 'ExitRequested' ? units('amount') : left;
      exiting.set(bank, after);
      add(`exiting:${bank}`, after - before);
      if (log.event === 'BankExited') add(`bankroll:${bank}`, -units('amount'));
    } else if (log.event === 'Expired') {
      const lane = Number(units('page') >> 32n);
      if (Math.floor(lane / 65_536) !== deployment.operatorNo) continue;
      for (let offset = 0; offset < PAGE_BETS_MAX; offset++) {
        if (((units('mask') >> BigInt(offset)) & 1n) === 0n) continue;
        const bet = open.get(openKey(lane, Number(units('firstSeq')) + offset));
        if (!bet) continue;
        const payout = log.args.bonded === true ? bet.stake + bet.profit : bet.stake;
        add(`seat:${bet.player}`, payout);
        add(`locked:${bet.bank}`, -bet.stake);
        add(`reserved:${bet.bank}`, -bet.profit);
        add(`bankroll:${bet.bank}`, bet.stake - payout);
      }
    } else if (log.event === 'SeatFunded') {
      if (text('operator') === operator) add(seat, units('amount'));
    } else if (log.event === 'SeatSwept') {
      if (text('operator') === operator) add(seat, -units('amount'));
    }
    if (log.args.id === undefined || log.args.player === undefined) continue;
    const { operatorNo, bank, lane, seq } = partsOfId(text('id'));
    if (operatorNo !== deployment.operatorNo) continue;

    if (log.event === 'Played') {
      add(seat, units('payout') - units('stake'));
      add(`bankroll:${bank}`, units('stake') - units('payout'));
    } else if (log.event === 'Opened') {
      const stake = units('stake');
      const bet = { player: text('player'), bank, stake, profit: units('maxPayout') - stake };
      open.set(openKey(lane, seq), bet);
      add(seat, -bet.stake);
      add(`locked:${bank}`, bet.stake);
      add(`reserved:${bank}`, bet.profit);
    } else if (log.event === 'Settled' || log.event === 'Voided') {
      const { stake, profit } = open.get(openKey(lane, seq)) ?? { stake: 0n, profit: 0n };
      const payout = log.event === 'Settled' ? units('payout') : units('stake');
      add(seat, payout);
      add(`locked:${bank}`, -stake);
      add(`reserved:${bank}`, -profit);
      add(`bankroll:${bank}`, stake - payout);
    } else if (log.event === 'Credited') {
      add(seat, units('amount'));
      add(`bankroll:${bank}`, -units('amount'));
    } else if (log.event === 'ToppedUp') {
      add(seat, units('amount'));
    }
  }
  return effects;
}

/** The balance of each account. */
export function balancesOf(effects: readonly Effect[]): Map<string, bigint> {
  const balances = new Map<string, bigint>();
  for (const { account, amount } of effects) {
    balances.set(account, (balances.get(account) ?? 0n) + amount);
  }
  return balances;
}
