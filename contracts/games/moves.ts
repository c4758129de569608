import type { Account, Address, Chain, Hex, PublicClient, Transport, WalletClient } from 'viem';
import { betBookAbi } from '../generated/betBook.ts';
import { diceAbi } from '../generated/dice.ts';
import { mockTokenAbi } from '../generated/mockToken.ts';
import { treasuryAbi } from '../generated/treasury.ts';

const ALLOWANCE_S = 3_600;
const SEAT_S = 86_400;

/** A dice on a chain where anyone mints the token, and wallets of those who play. */
export interface DiceClients {
  readonly publicClient: PublicClient<Transport, Chain>;
  readonly walletOf: (owner: Account) => WalletClient<Transport, Chain, Account>;
  readonly dice: Address;
}

/** Waits for a transaction; throws when it reverted. */
export async function landed({ publicClient }: DiceClients, hash: Hex) {
  const receipt = await publicClient.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`got ${hash} reverted, expected success`);
  return receipt;
}

/** Mints `amount` for the owner, deposits it, and allows BetBook to take it. */
async function provide(clients: DiceClients, owner: Account, amount: bigint) {
  const { publicClient, dice } = clients;
  const betBook = await publicClient.readContract({
    address: dice,
    abi: diceAbi,
    functionName: 'betBook',
  });
  const treasury = await publicClient.readContract({
    address: betBook,
    abi: betBookAbi,
    functionName: 'treasury',
  });
  const token = await publicClient.readContract({
    address: treasury,
    abi: treasuryAbi,
    functionName: 'token',
  });
  const { timestamp } = await publicClient.getBlock();
  const wallet = clients.walletOf(owner);
  const ofToken = { address: token, abi: mockTokenAbi } as const;
  const ofTreasury = { address: treasury, abi: treasuryAbi } as const;
  const expiry = Number(timestamp) + ALLOWANCE_S;
  for (const send of [
    () => wallet.writeContract({ ...ofToken, functionName: 'mint', args: [owner.address, amount] }),
    () => wallet.writeContract({ ...ofToken, functionName: 'approve', args: [treasury, amount] }),
    () =>
      wallet.writeContract({
        ...ofTreasury,
        functionName: 'deposit',
        args: [owner.address, amount],
      }),
    () =>
      wallet.writeContract({
        ...ofTreasury,
        functionName: 'allow',
        args: [betBook, amount, expiry],
      }),
  ]) {
    await landed(clients, await send());
  }
  return { address: betBook, abi: betBookAbi } as const;
}

/** The house adds `amount` to the game's bank. */
export async function fundBank(clients: DiceClients, house: Account, amount: bigint) {
  const { publicClient, walletOf, dice } = clients;
  const betBook = await provide(clients, house, amount);
  const bankNo = await publicClient.readContract({
    address: dice,
    abi: diceAbi,
    functionName: 'bankNo',
  });
  const hash = await walletOf(house).writeContract({
    ...betBook,
    functionName: 'fund',
    args: [bankNo, amount],
  });
  await landed(clients, hash);
}

/** The player takes a seat at the table, or a new one where the last has ended. */
export async function takeSeat(
  clients: DiceClients,
  player: Account,
  { buyIn, maxStake }: { buyIn: bigint; maxStake: bigint },
) {
  const { publicClient, walletOf, dice } = clients;
  const betBook = await provide(clients, player, buyIn);
  const { timestamp } = await publicClient.getBlock();
  const seat = await publicClient.readContract({
    ...betBook,
    functionName: 'seat',
    args: [player.address, dice],
  });
  const hash = await walletOf(player).writeContract({
    ...betBook,
    functionName: 'sit',
    args: [
      {
        operator: dice,
        buyIn,
        topUp: 0n,
        maxStake,
        expiry: Number(timestamp) + SEAT_S,
        grantNo: seat.grantNo + 1,
      },
    ],
  });
  await landed(clients, hash);
}
