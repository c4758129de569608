import type { Address, Hex } from 'viem';
import { decodeUnit, encodePreimage, preimageOf } from '../../contracts/encoding/batch.ts';
import {
  type ChainEventMessage,
  type ChainMessage,
  laneOf,
  packEventId,
  partitionOfPlayer,
} from '../../contracts/encoding/message.ts';
import type { SettleUnit, Unit } from '../../contracts/encoding/unit.ts';

interface ModelSeat {
  balance: bigint;
  maxStake: bigint;
  expiry: number;
  grantNo: number;
}

interface ModelBank {
  bankroll: bigint;
  reserved: bigint;
  locked: bigint;
  maxPayout: bigint;
}

interface ModelPage {
  readonly preimage: Hex;
  readonly seq: number;
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
  refuse: Refuse;
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
    values: Record<string, string | number | bigint>,
  ): void {
    const named = Object.entries(values).map(([name, value]) => [name, String(value)]);
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
      blockTime: block.number,
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

  function openBank(bank: number, bankroll: bigint, maxPayout: bigint): void {
    state.banks.set(bank, { bankroll, reserved: 0n, locked: 0n, maxPayout });
    emit(0, 'bank.movement', 'BankOpened', { bank, operator, admin: operator, n: 0 });
    emit(0, 'operator.change', 'LimitsSet', {
      bank,
      maxPayout,
      maxHorizon: 864_000,
      readyAt: 0,
      n: 0,
    });
    emit(0, 'bank.movement', 'BankFunded', { bank, amount: bankroll, n: 0 });
  }

  function fundSeat(player: Address, amount: bigint, maxStake: bigint, expiry: number): void {
    const seat = state.seats.get(player) ?? { balance: 0n, maxStake, expiry, grantNo: 0 };
    seat.balance += amount;
    seat.maxStake = maxStake;
    seat.expiry = expiry;
    seat.grantNo += 1;
    state.seats.set(player, seat);
    emit(partitionOfPlayer(player, partitions), 'seat.movement', 'SeatFunded', {
      player,
      operator,
      amount,
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
    const seq = state.next[lane] ?? 0;
    state.next[lane] = seq + 1;
    const forced = args.refuse(lane, seq, unit);
    if (unit.op === 'settle') {
      settle(lane, seq, unit, forced);
      return;
    }
    const partition = lane % partitions;
    const bet = unit.op === 'open' ? unit.bets[0] : unit;
    if (!bet) return;
    const { player, bank: bankNo } = bet;
    const seat = state.seats.get(player);
    const bank = state.banks.get(bankNo);
    const id = idOf(lane, bankNo, seq);
    if (!seat || !bank)
      throw new Error(`got a unit of ${player} and bank ${bankNo}, expected both`);
    const free = bank.bankroll - bank.reserved;
    if (unit.op === 'play') {
      const { stakeUnits: stake, payoutUnits: payout, refBet, refWin } = unit;
      const short = stake > seat.balance ? 3 : payout - stake > free ? 5 : 0;
      const code = forced || short;
      if (code !== 0) {
        emit(partition, 'bet.rejected', 'Rejected', { id, player, code, ref: refBet });
        return;
      }
      seat.balance += payout - stake;
      bank.bankroll += stake - payout;
      emit(partition, 'bet.played', 'Played', { id, player, stake, payout, refBet, refWin });
    } else if (unit.op === 'open') {
      openPage(lane, seq, unit, forced);
    } else {
      const { amountUnits: amount, ref } = unit;
      const code = forced || (amount > free ? 5 : 0);
      if (code !== 0) {
        emit(partition, 'bet.rejected', 'Rejected', { id, player, code, ref });
        return;
      }
      seat.balance += amount;
      bank.bankroll -= amount;
      emit(partition, 'bet.credited', 'Credited', { id, player, amount, ref });
    }
  }

  function openPage(lane: number, seq: number, unit: Unit & { op: 'open' }, forced: number): void {
    const [bet] = unit.bets;
    const seat = bet && state.seats.get(bet.player);
    const bank = bet && state.banks.get(bet.bank);
    if (!seat || !bank) throw new Error('got a page without a seat or bank, expected both');
    const { player, stakeUnits: stake, profitUnits: profit, ref } = bet;
    const key = `${lane}:${unit.slot}`;
    const common = {
      id: idOf(lane, bet.bank, seq),
      player,
      stake,
      maxPayout: stake + profit,
      page: pageOf(lane, unit.slot),
    };
    const short = stake > seat.balance ? 3 : profit > bank.bankroll - bank.reserved ? 5 : 0;
    const code = forced || (state.pages.get(key)?.open ? 8 : short);
    if (code !== 0) {
      emit(lane % partitions, 'bet.rejected', 'OpenRejected', { ...common, code, ref });
      return;
    }
    seat.balance -= stake;
    bank.locked += stake;
    bank.reserved += profit;
    state.pages.set(key, { preimage: encodePreimage(preimageOf(unit, seq)), seq, open: true });
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
    if (page?.preimage !== encodePreimage(unit.preimage)) {
      const nobody = `0x${'0'.repeat(40)}`;
      emit(partition, 'bet.rejected', 'Rejected', { id: own, player: nobody, code: 9, ref });
    } else if (forced || !page.open) {
      emit(partition, 'bet.rejected', 'Rejected', { id, player, code: forced || 12, ref });
    } else {
      const payout = {
        lost: 0n,
        full: stake + profit,
        void: stake,
        explicit: outcome.payoutUnits ?? 0n,
      }[outcome.code];
      const seat = state.seats.get(player);
      const bank = state.banks.get(bet.bank);
      if (!seat || !bank) throw new Error('got a settlement without seat or bank, expected both');
      page.open = false;
      settled = 1;
      seat.balance += payout;
      bank.bankroll += stake - payout;
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
    const seq = state.next[lane] ?? 0;
    state.next[lane] = seq + 1;
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
    bank: (bank: number) => state.banks.get(bank),
    /** Events that stand now, oldest first. */
    events: () => blocks.flatMap(({ events }) => events),
  };
}

export type ModelChain = ReturnType<typeof createModelChain>;

function hex32(number: number): Hex {
  return `0x${number.toString(16).padStart(64, '0')}`;
}
