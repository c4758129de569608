import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Address, encodeFunctionData, type Hex, toHex, zeroHash } from 'viem';
import { encodeBatch } from '../contracts/encoding/batch.ts';
import { laneOf, shardOf } from '../contracts/encoding/message.ts';
import type { PlayUnit } from '../contracts/encoding/unit.ts';
import { betBookAbi } from '../contracts/generated/betBook.ts';
import { createLocalSigner } from '../executor/signer.ts';
import { createRpc } from '../platform/chain/rpc.ts';

const BATCH_BETS = 100;
const BATCH_GAS = 6_000_000n;
const MAX_FEE_WEI = 100_000_000_000n;
const TIP_WEI = 1_000_000n;
const POLL_MS = 20;
const TIMEOUT_MS = 300_000;
const IN_FLIGHT = 16;

/**
 * What the node alone takes: bets in batches of 100, signed beforehand, sent as fast as it answers,
 * until the last one is mined. It uses the deployment of the data folder, whose process has ended.
 */
export async function measureChainLimit(args: {
  rpcUrl: string;
  dataFolder: string;
  bets: number;
  players: readonly Address[];
}): Promise<{ betsPerSecond: number }> {
  const rpc = createRpc({ url: args.rpcUrl, timeoutMs: TIMEOUT_MS });
  const { executorKey } = JSON.parse(readFileSync(join(args.dataFolder, 'keys.json'), 'utf8'));
  const signer = createLocalSigner(executorKey);
  const database = new DatabaseSync(join(args.dataFolder, 'ledger.sqlite'), { readOnly: true });
  const deployment = database.prepare('SELECT * FROM deployment').get() as {
    operator_no: number;
    shards: number;
    bet_book: Address;
    chain_id: number;
  };
  const { bank } = database.prepare('SELECT bank FROM provider').get() as { bank: number };
  database.close();
  const { operator_no, shards, bet_book, chain_id } = deployment;

  let nonce = Number(await rpc.call<Hex>('eth_getTransactionCount', [signer.address, 'latest']));
  const raws: Hex[] = [];
  const perLane = Math.ceil(args.bets / shards / BATCH_BETS);
  const next: number[] = [];
  for (let lane = 0; lane < shards; lane++) {
    next.push(await nextOf(lane));
  }
  for (let batch = 0; batch < perLane; batch++) {
    for (let lane = 0; lane < shards; lane++) {
      const players = args.players.filter((player) => shardOf(player, shards) === lane);
      const units = players.length === 0 ? [] : unitsFor(players, raws.length);
      if (units.length === 0) continue;
      const { raw } = await signer.signTransaction({
        chainId: chain_id,
        nonce: nonce++,
        to: bet_book,
        data: encodeFunctionData({
          abi: betBookAbi,
          functionName: 'applyBatch',
          args: [Number(laneOf(operator_no, lane)), next[lane] ?? 0, zeroHash, encodeBatch(units)],
        }),
        gas: BATCH_GAS,
        maxFeePerGasWei: MAX_FEE_WEI,
        maxPriorityFeePerGasWei: TIP_WEI,
      });
      next[lane] = (next[lane] ?? 0) + units.length;
      raws.push(raw);
    }
  }

  const startMs = performance.now();
  let sent = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (let raw = raws[sent++]; raw; raw = raws[sent++]) {
        await rpc.call('eth_sendRawTransaction', [raw]);
      }
    }),
  );
  for (;;) {
    const mined = Number(
      await rpc.call<Hex>('eth_getTransactionCount', [signer.address, 'latest']),
    );
    if (mined >= nonce) break;
    if (performance.now() - startMs > TIMEOUT_MS) throw new Error(`got ${mined} of ${nonce} mined`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const seconds = (performance.now() - startMs) / 1000;
  for (let lane = 0; lane < shards; lane++) {
    const landed = await nextOf(lane);
    if (landed !== next[lane])
      throw new Error(`got next ${landed} of lane ${lane}, expected ${next[lane]}`);
  }
  return { betsPerSecond: (raws.length * BATCH_BETS) / seconds };

  async function nextOf(lane: number): Promise<number> {
    const data = encodeFunctionData({
      abi: betBookAbi,
      functionName: 'lane',
      args: [Number(laneOf(operator_no, lane))],
    });
    return Number(await rpc.call<Hex>('eth_call', [{ to: bet_book, data }, 'latest']));
  }

  /** A batch of bets that win their stake back, spread over the lane's players. */
  function unitsFor(players: readonly Address[], batch: number): PlayUnit[] {
    return Array.from({ length: BATCH_BETS }, (_, bet) => ({
      op: 'play',
      player: players[Math.floor((bet * players.length) / BATCH_BETS)] as Address,
      bank,
      stakeUnits: 100n,
      payoutUnits: 100n,
      refBet: toHex(batch * BATCH_BETS + bet + 1, { size: 16 }),
      refWin: toHex(batch * BATCH_BETS + bet + 1, { size: 16 }),
    }));
  }
}
