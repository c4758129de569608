import type { Address, Hex } from 'viem';
import type { BankLimits } from '../../contracts/deploy.ts';
import { decodeUnit, encodePreimage, preimageOf } from '../../contracts/encoding/batch.ts';
import {
  type ChainEventMessage,
  type ChainMessage,
  laneOf,
  packEventId,
  partitionOfPlayer,
} from '../../contracts/encoding/message.ts';
import type { OpenUnit, SettleUnit, Unit } from '../../contracts/encoding/unit.ts';

interface ModelSeat {
  balance: bigint;
  maxStake: bigint;
  expiry: number;
  grantNo: number;
  topUpLeft: bigint;
}

interface ModelBank {
  bankroll: bigint;
  reserved: bigint;
  locked: bigint;
  exiting: bigint;
  exitAt: number;
  limits: BankLimits;
  announced: BankLimits;
  /** 0: nothing is announced. */
  readyAt: number;
  pausedUntil: number;
  halted: boolean;
  loss: bigint;
  won: bigint;
  credited: bigint;
  /** Of the day's counters. */
  day: number;
}

interface ModelPage {
  readonly preimage: Hex;
  readonly seq: number;
  readonly unit: OpenUnit;
  open: boolean;
}

interface ModelState {
  readonly seats: Map<string, ModelSeat>;
  readonly banks: Map<number, ModelBank>;
  readonly pages: Map<string, ModelPage>;
  readonly next: number[];
}

type Body = Pick<ChainEventMessage, 'type' | 'event' | 'args' | 'txHash'> & {
  readonly partition: number;
};

interface ModelBlock {
  readonly number: number;
  readonly hash: Hex;
  readonly timeS: number;
  readonly before: ModelState;
  readonly events: (Body & { readonly logIndex: number })[];
}

/** What decides that the model refuses a unit which it could apply; the code, or 0. */
export type Refuse = (lane: number, seq: number, unit: Unit) => number;

/**
 * A tiny BetBook in memory, with blocks that can be reverted, and the indexer's stream of it: numbered
 * messages per partition. It knows nothing of the ledger.
 */
export function createModelChain(args: {
  chainId: number;
  deployment: string;
  operator: string;
  operatorNo: number;
  shards: number;
  partitions: number;
  noticeS: number;
  refuse: Refuse;
  /** Time of the next block, seconds. */
  nowS: () => number;
}) {
  const { deployment, operator, operatorNo, shards, partitions } = args;
  let state: ModelState = {
    seats: new Map(),
    banks: new Map(),
    pages: new Map(),
    next: Array.from({ length: shards }, () => 0),
  };
  const blocks: ModelBlock[] = [];
  let open: ModelBlock | undefined;
  let epoch = 1;
  let step = 0;
  let hashes = 0;
  let finalBlock = 0;
  let txs = 0;
  let txHash: Hex = '0x';
  const logs: ChainMessage[][] = Array.from({ length: partitions }, () => []);
  let nextN = Array.from({ length: partitions }, () => 1);

  function begin(): void {
    hashes += 1;
    open = {
      number: blocks.length + 1,
      hash: hex32(hashes),
      timeS: args.nowS(),
      before: structuredClone(state),
      events: [],
    };
    blocks.push(open);
    newTransaction();
  }

  function newTransaction(): void {
    txs += 1;
    txHash = hex32(1_000_000_000 + txs);
  }

  function emit(
    partition: number,
    type: ChainEventMessage['type'],
    event: string,
    values: Record<string, string | number | bigint | boolean>,
  ): void {
    const named = Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'boolean' ? value : String(value),
    ]);
    open?.events.push({
      partition,
      type,
      event,
      args: Object.fromEntries(named),
      txHash,
      logIndex: open.events.length,
    });
  }

  /** Ends the block that `begin` began: its events are messages now. */
  function end(): void {
    if (!open) return;
    step += 1;
    const block = open;
    for (const event of block.events) send(block, event, 1);
    open = undefined;
  }

  function send(block: ModelBlock, event: ModelBlock['events'][number], sign: 1 | -1): void {
    const { partition, logIndex, ...body } = event;
    const n = nextN[partition] ?? 1;
    nextN[partition] = n + 1;
    logs[partition]?.push({
      ...body,
      deployment,
      epoch,
      partition,
      n,
      step,
      id: `${args.chainId}:${block.hash}:${logIndex}`,
      sign,
      contract: 'bet_book',
      blockNumber: block.number,
      blockHash: block.hash,
      blockTime: block.timeS,
      logIndex,
    });
  }

  /** Drops the last `depth` blocks and retracts their events, newest first. */
  function revert(depth: number): void {
    step += 1;
    for (let index = 0; index < depth; index += 1) {
      const block = blocks.pop();
      if (!block) return;
      for (const event of block.events.toReversed()) send(block, event, -1);
      state = block.before;
    }
  }

  /** Says that the block and all before it are final. */
  function finalizeTo(number: number): void {
    step += 1;
    finalBlock = number;
    const hash = blocks[number - 1]?.hash ?? '0x';
    for (let partition = 0; partition < partitions; partition += 1) {
      const n = nextN[partition] ?? 1;
      nextN[partition] = n + 1;
      logs[partition]?.push({
        type: 'finality',
        deployment,
        epoch,
        partition,
        n,
        step,
        id: `${args.chainId}:${hash}:finality`,
        sign: 1,
        blockNumber: number,
        blockHash: hash,
      });
    }
  }

  /** Fills the stream anew from the blocks that stand, under a higher epoch. */
  function raiseEpoch(): void {
    epoch += 1;
    step = 0;
    nextN = nextN.map(() => 1);
    for (const block of blocks) {
      step += 1;
      for (const event of block.events) send(block, event, 1);
    }
  }

  /** Drops blocks without a retraction: a dev chain that went back below what was final. */
  function loseBlocks(depth: number): void {
    for (let index = 0; index < depth; index += 1) state = blocks.pop()?.before ?? state;
  }

  function timeS(): number {
    return open?.timeS ?? args.nowS();
  }

  function openBank(bank: number, bankroll: bigint, limits: BankLimits): void {
    state.banks.set(bank, {
      bankroll,
      reserved: 0n,
      locked: 0n,
      exiting: 0n,
      exitAt: 0,
      limits,
      announced: limits,
      readyAt: 0,
      pausedUntil: 0,
      halted: false,
      loss: 0n,
      won: 0n,
      credited: 0n,
      day: 0,
    });
    emit(0, 'bank.movement', 'BankOpened', { bank, operator, admin: operator, n: 0 });
    emitLimits(bank, limits, timeS());
    emit(0, 'bank.movement', 'BankFunded', { bank, amount: bankroll, n: 0 });
  }

  function emitLimits(bank: number, limits: BankLimits, readyAt: number): void {
    emit(0, 'operator.change', 'LimitsSet', {
      bank,
      maxPayout: limits.maxPayoutUnits,
      stopLoss: limits.stopLossUnits,
      dayWon: limits.dayWonUnits,
      dayCredit: limits.dayCreditUnits,
      maxHorizon: limits.maxHorizonS,
      readyAt,
      n: 0,
    });
  }

  function bankAt(number: number): ModelBank {
    const bank = state.banks.get(number);
    if (!bank) throw new Error(`got bank ${number}, expected one that was opened`);
    const day = Math.floor(timeS() / 86_400);
    if (bank.day !== day) {
      Object.assign(bank, { day, loss: 0n, won: 0n, credited: 0n, halted: false });
    }
    if (bank.readyAt !== 0 && timeS() >= bank.readyAt) {
      Object.assign(bank, { limits: bank.announced, readyAt: 0 });
    }
    return bank;
  }

  /** The bank's admin sets limits: lower ones at once, higher ones after the notice period. */
  function setLimits(number: number, limits: BankLimits): void {
    const bank = bankAt(number);
    const names = Object.keys(limits) as (keyof BankLimits)[];
    const raises = names.some((name) => limits[name] > bank.limits[name]);
    const lowered = names.filter((name) => limits[name] < bank.limits[name]);
    bank.limits = {
      ...bank.limits,
      ...Object.fromEntries(lowered.map((name) => [name, limits[name]])),
    };
    bank.announced = limits;
    bank.readyAt = raises ? timeS() + args.noticeS : 0;
    emitLimits(number, limits, raises ? bank.readyAt : timeS());
  }

  function pauseBank(number: number, until: number): void {
    bankAt(number).pausedUntil = until;
    emit(0, 'operator.change', 'Paused', { bank: number, until, n: 0 });
  }

  function haltBank(number: number, code: number): void {
    bankAt(number).halted = true;
    emit(0, 'operator.change', 'Halted', { bank: number, code, n: 0 });
  }

  function resumeBank(number: number): void {
    bankAt(number).halted = false;
    emit(0, 'operator.change', 'Resumed', { bank: number, n: 0 });
  }

  function fundBank(number: number, amount: bigint): void {
    bankAt(number).bankroll += amount;
    emit(0, 'bank.movement', 'BankFunded', { bank: number, amount, n: 0 });
  }

  function requestExit(number: number, amount: bigint): void {
    const exitAt = timeS() + args.noticeS;
    Object.assign(bankAt(number), { exiting: amount, exitAt });
    emit(0, 'bank.movement', 'ExitRequested', { bank: number, amount, exitAt, n: 0 });
  }

  function cancelExit(number: number): void {
    Object.assign(bankAt(number), { exiting: 0n, exitAt: 0 });
    emit(0, 'bank.movement', 'ExitCancelled', { bank: number, n: 0 });
  }

  /** Takes out what is free, as if the notice period were over. */
  function completeExit(number: number): void {
    const bank = bankAt(number);
    const free = bank.bankroll - bank.reserved;
    let amount = bank.exiting;
    if (amount > free) amount = free;
    if (amount === 0n) return;
    bank.exiting -= amount;
    if (bank.exiting === 0n) bank.exitAt = 0;
    bank.bankroll -= amount;
    emit(0, 'bank.movement', 'BankExited', { bank: number, to: operator, amount, n: 0 });
  }

  function setPayout(number: number, to: Address): void {
    const bank = bankAt(number);
    if (bank.exitAt !== 0) bank.exitAt = timeS() + args.noticeS;
    emit(0, 'operator.change', 'PayoutSet', { bank: number, to, exitAt: bank.exitAt, n: 0 });
  }

  /** What a bet's end does to its bank. */
  function countResult(bank: ModelBank, stake: bigint, payout: bigint): void {
    bank.bankroll += stake - payout;
    if (payout > stake) bank.won += payout - stake;
    bank.loss += payout - stake;
    if (bank.loss < 0n) bank.loss = 0n;
  }

  function refusalOf(bank: ModelBank, win: bigint, payout: bigint, free: bigint): number {
    if (bank.halted || timeS() < bank.pausedUntil) return 7;
    if (payout > bank.limits.maxPayoutUnits) return 4;
    if (win > free) return 5;
    const isAbove = (sum: bigint, limit: bigint) => sum + bank.reserved + win > limit;
    if (isAbove(bank.loss, bank.limits.stopLossUnits)) return 6;
    return isAbove(bank.won, bank.limits.dayWonUnits) ? 6 : 0;
  }

  function fundSeat(
    player: Address,
    amount: bigint,
    maxStake: bigint,
    expiry: number,
    topUp = 0n,
  ): void {
    const none = { balance: 0n, maxStake, expiry, grantNo: 0, topUpLeft: 0n };
    const seat = state.seats.get(player) ?? none;
    seat.balance += amount;
    seat.maxStake = maxStake;
    seat.expiry = expiry;
    seat.grantNo += 1;
    seat.topUpLeft = topUp;
    state.seats.set(player, seat);
    emit(partitionOfPlayer(player, partitions), 'seat.movement', 'SeatFunded', {
      player,
      operator,
      amount,
      topUp,
      maxStake,
      expiry,
      grantNo: seat.grantNo,
      grantHash: hex32(1),
      n: 0,
    });
  }

  function endSeat(player: Address, endsAt: number): void {
    const seat = state.seats.get(player);
    if (!seat) return;
    seat.expiry = endsAt;
    const partition = partitionOfPlayer(player, partitions);
    emit(partition, 'seat.movement', 'SeatEnding', { player, operator, endsAt, n: 0 });
  }

  function sweepSeat(player: Address): void {
    const seat = state.seats.get(player);
    if (!seat || seat.balance === 0n) return;
    const partition = partitionOfPlayer(player, partitions);
    const amount = seat.balance;
    emit(partition, 'seat.movement', 'SeatSwept', { player, operator, amount, n: 0 });
    seat.balance = 0n;
  }

  /** Lands the item at the lane's next number, as BetBook would. */
  function land(lane: number, bytes: Uint8Array): void {
    const unit = decodeUnit(bytes);
    const seq = takeNumber(lane);
    const forced = args.refuse(lane, seq, unit);
    if (unit.op === 'settle') {
      settle(lane, seq, unit, forced);
      return;
    }
    if (unit.op === 'open') {
      openPage(lane, seq, unit, forced);
      return;
    }
    if (unit.op !== 'play' && unit.op !== 'credit') {
      throw new Error(`got a ${unit.op}, expected what the ledger plans`);
    }
    const partition = lane % partitions;
    const { player, bank: bankNo } = unit;
    const seat = state.seats.get(player);
    const bank = bankAt(bankNo);
    const id = idOf(lane, bankNo, seq);
    if (!seat) throw new Error(`got a unit of ${player}, expected one with a seat`);
    const free = bank.bankroll - bank.reserved;
    if (unit.op === 'play') {
      const { stakeUnits: stake, payoutUnits: payout, refBet, refWin } = unit;
      const win = payout > stake ? payout - stake : 0n;
      const short = stake > seat.balance ? 3 : refusalOf(bank, win, payout, free);
      const code = forced || short;
      if (code !== 0) {
        emit(partition, 'bet.rejected', 'Rejected', { id, player, code, ref: refBet });
        if (code >= 4 && code <= 6 && win > 0n) haltBank(bankNo, code);
        return;
      }
      seat.balance += payout - stake;
      countResult(bank, stake, payout);
      emit(partition, 'bet.played', 'Played', { id, player, stake, payout, refBet, refWin });
    } else {
      const { amountUnits: amount, ref } = unit;
      const above = bank.credited + amount > bank.limits.dayCreditUnits;
      const code = forced || (amount > free ? 5 : above ? 6 : 0);
      if (code !== 0) {
        emit(partition, 'bet.rejected', 'Rejected', { id, player, code, ref });
        return;
      }
      seat.balance += amount;
      bank.bankroll -= amount;
      bank.credited += amount;
      emit(partition, 'bet.credited', 'Credited', { id, player, amount, ref });
    }
  }

  /** An event of the contract that is not about the operator's own. */
  function emitForeign(event: string, values: Record<string, string | number>): void {
    emit(0, 'operator.change', event, values);
  }

  /** Uses up the lane's next number with a top-up, which no action of the ledger is. */
  function topUp(player: Address, lane: number, amount: bigint): void {
    const seat = state.seats.get(player);
    if (!seat || seat.topUpLeft < amount) return;
    seat.balance += amount;
    seat.topUpLeft -= amount;
    const ref = `0x${'e'.repeat(32)}`;
    const id = idOf(lane, 0, takeNumber(lane));
    emit(lane % partitions, 'seat.movement', 'ToppedUp', { id, player, amount, ref });
  }

  /** Likewise with the release of a seat. */
  function release(player: Address, lane: number): void {
    const seat = state.seats.get(player);
    if (!seat) return;
    seat.expiry = timeS();
    const id = idOf(lane, 0, takeNumber(lane));
    const ref = `0x${'d'.repeat(32)}`;
    emit(lane % partitions, 'seat.movement', 'Released', { id, player, ref });
  }

  /** Likewise with the end of a round. */
  function finish(lane: number, bank: number): void {
    const id = idOf(lane, bank, takeNumber(lane));
    emit(lane % partitions, 'round.finalized', 'RoundFinalized', {
      id,
      round: '0x0102030405060708',
    });
  }

  function takeNumber(lane: number): number {
    const seq = state.next[lane] ?? 0;
    state.next[lane] = seq + 1;
    return seq;
  }

  /** Ends every open page that is past its due time; `bonded` as the page would have to say. */
  function expirePages(bonded = false): void {
    for (const [key, page] of state.pages) {
      const [lane = 0, slot = 0] = key.split(':').map(Number);
      const [bet] = page.unit.bets;
      if (!page.open || timeS() < page.unit.dueS || !bet) continue;
      const seat = state.seats.get(bet.player);
      const bank = bankAt(bet.bank);
      if (!seat) throw new Error('got an open bet without a seat, expected one');
      const payout = bonded ? bet.stakeUnits + bet.profitUnits : bet.stakeUnits;
      page.open = false;
      seat.balance += payout;
      bank.reserved -= bet.profitUnits;
      bank.locked -= bet.stakeUnits;
      countResult(bank, bet.stakeUnits, payout);
      emit(lane % partitions, 'bet.expired', 'Expired', {
        page: pageOf(lane, slot),
        firstSeq: page.seq,
        mask: 1,
        bonded,
        n: 0,
      });
    }
  }

  function openPage(lane: number, seq: number, unit: Unit & { op: 'open' }, forced: number): void {
    const [bet] = unit.bets;
    const seat = bet && state.seats.get(bet.player);
    if (!bet || !seat) throw new Error('got a page without a seat, expected one');
    const bank = bankAt(bet.bank);
    const { player, stakeUnits: stake, profitUnits: profit, ref } = bet;
    const key = `${lane}:${unit.slot}`;
    const common = {
      id: idOf(lane, bet.bank, seq),
      player,
      stake,
      maxPayout: stake + profit,
      page: pageOf(lane, unit.slot),
    };
    const free = bank.bankroll - bank.reserved - bank.exiting;
    const short =
      stake > seat.balance ? 3 : refusalOf(bank, profit, stake + profit, free > 0n ? free : 0n);
    const isLate = timeS() >= unit.dueS;
    const code = forced || (state.pages.get(key)?.open ? 8 : isLate ? 11 : short);
    if (code !== 0) {
      emit(lane % partitions, 'bet.rejected', 'OpenRejected', { ...common, code, ref });
      return;
    }
    seat.balance -= stake;
    bank.locked += stake;
    bank.reserved += profit;
    const preimage = encodePreimage(preimageOf(unit, seq));
    state.pages.set(key, { preimage, seq, unit, open: true });
    const { dueS: due, round } = unit;
    emit(lane % partitions, 'bet.placed', 'Opened', { ...common, due, round, ref });
  }

  function settle(lane: number, seq: number, unit: SettleUnit, forced: number): void {
    const partition = lane % partitions;
    const page = state.pages.get(`${lane}:${unit.slot}`);
    const [bet] = unit.preimage.bets;
    const [outcome] = unit.outcomes;
    if (!bet || !outcome) throw new Error('got an empty SETTLE, expected one of one bet');
    const own = idOf(lane, 0, seq);
    const { ref } = outcome;
    const { player, stakeUnits: stake, profitUnits: profit } = bet;
    const id = idOf(lane, bet.bank, unit.preimage.firstSeq);
    let settled = 0;
    // A page of one: once its bet is closed, its slot is free.
    if (!page?.open || page.preimage !== encodePreimage(unit.preimage)) {
      const nobody = `0x${'0'.repeat(40)}`;
      emit(partition, 'bet.rejected', 'Rejected', { id: own, player: nobody, code: 9, ref });
    } else if (forced || timeS() >= unit.preimage.dueS) {
      emit(partition, 'bet.rejected', 'Rejected', { id, player, code: forced || 11, ref });
    } else {
      const payout = {
        lost: 0n,
        full: stake + profit,
        void: stake,
        explicit: outcome.payoutUnits ?? 0n,
      }[outcome.code];
      const seat = state.seats.get(player);
      const bank = bankAt(bet.bank);
      if (!seat) throw new Error('got a settlement without a seat, expected one');
      page.open = false;
      settled = 1;
      seat.balance += payout;
      countResult(bank, stake, payout);
      bank.reserved -= profit;
      bank.locked -= stake;
      if (outcome.code === 'void') {
        emit(partition, 'bet.voided', 'Voided', { id, player, stake, ref });
      } else {
        emit(partition, 'bet.settled', 'Settled', { id, player, payout, ref });
      }
    }
    emit(partition, 'page.closed', 'Closed', {
      id: own,
      page: pageOf(lane, unit.slot),
      settledMask: settled,
      leftMask: page?.open ? 1 : 0,
    });
  }

  /** Uses up the lane's next number with an action that is not the ledger's. */
  function landForeign(lane: number, player: Address, bank: number, amount: bigint): void {
    const seat = state.seats.get(player);
    const row = state.banks.get(bank);
    if (!seat || !row) throw new Error('got a foreign credit without seat or bank, expected both');
    const seq = takeNumber(lane);
    seat.balance += amount;
    row.bankroll -= amount;
    const ref = `0x${'f'.repeat(32)}`;
    const id = idOf(lane, bank, seq);
    emit(lane % partitions, 'bet.credited', 'Credited', { id, player, amount, ref });
  }

  function idOf(shard: number, bank: number, seq: number): bigint {
    return packEventId({ operatorNo, shard, bank, seq });
  }

  function pageOf(lane: number, slot: number): bigint {
    return (laneOf(operatorNo, lane) << 32n) | BigInt(slot);
  }

  return {
    begin,
    end,
    newTransaction,
    revert,
    finalizeTo,
    raiseEpoch,
    loseBlocks,
    openBank,
    setLimits,
    pauseBank,
    haltBank,
    resumeBank,
    fundBank,
    requestExit,
    cancelExit,
    completeExit,
    setPayout,
    emitForeign,
    topUp,
    release,
    finish,
    expirePages,
    fundSeat,
    endSeat,
    sweepSeat,
    land,
    landForeign,
    logs,
    height: () => blocks.length,
    finalBlock: () => finalBlock,
    nextSeq: (lane: number) => state.next[lane] ?? 0,
    seat: (player: string) => state.seats.get(player),
    /** As of the last block. */
    bank: (bank: number) => state.banks.get(bank),
    /** Events that stand now, oldest first. */
    events: () => blocks.flatMap(({ events }) => events),
  };
}

export type ModelChain = ReturnType<typeof createModelChain>;

function hex32(number: number): Hex {
  return `0x${number.toString(16).padStart(64, '0')}`;
}
