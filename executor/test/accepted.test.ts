import type { Address } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { accept } from '../../ledger/accept.ts';
import { emptyAccount, emptyBank, writeAccounts, writeBanks } from '../../ledger/balances.ts';
import { putProvider } from '../../ledger/providers.ts';
import type { Action, CanonicalRequest } from '../../ledger/request.ts';
import {
  BANK_LIMITS,
  executorOn,
  openStage,
  type Stage,
  startTestChain,
  type TestChain,
  until,
} from './stage.ts';

let chain: TestChain;
let stage: Stage;

beforeAll(async () => {
  chain = await startTestChain();
  stage = await openStage(chain, { players: 4 });
}, 30_000);

afterAll(async () => {
  await stage.close();
  await chain.node.close();
});

test('accepted bets, wins, voids and credits land as the ledger planned them', async () => {
  await mirrorBalances();
  const executor = executorOn(stage, { limits: { planIntervalMs: 50 } });
  await executor.start();
  const { players } = stage;
  await request(players[0], bet('merged'));
  await request(players[0], win('merged', 300n));
  await request(players[1], bet('opened'));
  await request(players[2], bet('voided'));
  await request(players[3], { type: 'credit', txId: 'jackpot', amountUnits: 77n });
  executor.wake();
  await eventsOf('Opened', 2);
  await request(players[1], win('opened', 250n));
  await request(players[2], { type: 'void', txId: 'undo', betTxId: 'voided' });
  executor.wake();
  await eventsOf('Closed', 2);
  await eventsOf('Played', 1);
  await eventsOf('Credited', 1);
  expect(await Promise.all(players.map(seatBalance))).toEqual([
    1_000_200n,
    1_000_150n,
    1_000_000n,
    1_000_077n,
  ]);
  expect(executor.status().error).toBe(null);
  await executor.stop();
});

/** What the mirror would have written from the chain's events. */
async function mirrorBalances(): Promise<void> {
  const { deployment, bank, players, ledger } = stage;
  await putProvider(ledger, {
    provider: 'acme',
    brand: '',
    key_id: 'key',
    secret: '00',
    deployment,
    bank,
    play_window_ms: 400,
    due_ms: 86_400_000,
  });
  await ledger.journal.transaction(async (tx) => {
    await writeBanks(tx, [
      { ...emptyBank(deployment, bank), bankroll: 10n ** 12n, limits: BANK_LIMITS },
    ]);
    const accounts = players.map((player) => ({
      ...emptyAccount(deployment, player),
      chainBalance: 1_000_000n,
      maxStake: 1_000_000n,
      endsAtS: Math.floor(Date.now() / 1000) + 86_400,
      grantNo: 1,
    }));
    await writeAccounts(tx, accounts);
  });
}

function bet(txId: string): Action {
  return { type: 'bet', txId, stakeUnits: 100n, maxPayoutUnits: 500n };
}

function win(betTxId: string, payoutUnits: bigint): Action {
  return { type: 'win', txId: `${betTxId}-win`, betTxId, payoutUnits };
}

async function request(player: Address | undefined, action: Action): Promise<void> {
  if (player === undefined) throw new Error('the stage has too few players');
  const canonical: CanonicalRequest = {
    deployment: stage.deployment,
    provider: 'acme',
    brand: '',
    idempotencyKey: action.txId,
    player,
    game: 'dice',
    round: 'r1',
    action,
    received: { body: action.txId, signature: 'sig', atMs: Date.now() },
  };
  const [answer] = (await accept(stage.ledger, [canonical])).answers;
  expect(answer).toMatchObject({ outcome: 'accepted' });
}

async function eventsOf(
  eventName: 'Opened' | 'Closed' | 'Played' | 'Credited',
  count: number,
): Promise<void> {
  await until(`${count} × ${eventName}`, async () => {
    const logs = await chain.publicClient.getContractEvents({
      address: stage.contracts.betBook,
      abi: betBookAbi,
      eventName,
      fromBlock: BigInt(stage.contracts.deployedBlock),
    });
    return logs.length === count;
  });
}

async function seatBalance(player: Address): Promise<bigint> {
  const seat = await chain.publicClient.readContract({
    address: stage.contracts.betBook,
    abi: betBookAbi,
    functionName: 'seat',
    args: [player, stage.facts.operator],
  });
  return seat.balance;
}
