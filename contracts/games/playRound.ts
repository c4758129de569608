import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import {
  type Account,
  type Address,
  bytesToHex,
  createPublicClient,
  createTestClient,
  createWalletClient,
  custom,
  defineChain,
  type Hex,
  http,
  parseEventLogs,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { betBookAbi } from '../generated/betBook.ts';
import { diceAbi } from '../generated/dice.ts';
import { type DiceClients, fundBank, landed, takeSeat } from './moves.ts';
import { commitmentOf, rollOf } from './rolls.ts';

/** The well-known accounts of a Hardhat or Anvil node; worth nothing anywhere else. */
const DEV_MNEMONIC = 'test test test test test test test test test test test junk';
const HOUSE_INDEX = 1;
const PLAYER_INDICES = [3, 4];
const BANKROLL_UNITS = 10_000_000n;
const BUY_IN_UNITS = 100_000n;
const STAKE_UNITS = 100n;
const TARGETS = [9_000, 5_000, 500];
const POLL_MS = 200;

/** A bet of a round that was revealed. Money in smallest units. */
export interface PlayedBet {
  readonly id: bigint;
  readonly player: Address;
  readonly stake: bigint;
  readonly target: number;
  readonly roll: number;
  readonly payout: bigint;
}

/**
 * Plays one round on a dev chain, whose accounts are known: the house (account 1) funds the bank if it
 * is empty and commits, two players take their seats and bet, the betting time passes at once, the house
 * reveals. Every roll is computed again here.
 */
export async function playRound(args: {
  rpcUrl: string;
  dice: Address;
}): Promise<{ round: bigint; seed: Hex; bets: PlayedBet[] }> {
  const clients = await connect(args);
  const { walletOf } = clients;
  const dice = { address: args.dice, abi: diceAbi } as const;
  const house = accountOf(HOUSE_INDEX);
  const players = PLAYER_INDICES.map(accountOf);
  await prepare(clients, house, players);

  const seed = bytesToHex(randomBytes(32));
  const start = await walletOf(house).writeContract({
    ...dice,
    functionName: 'start',
    args: [commitmentOf(seed)],
  });
  const [started] = parseEventLogs({
    abi: diceAbi,
    eventName: 'RoundStarted',
    logs: (await landed(clients, start)).logs,
  });
  if (!started) throw new Error('got no RoundStarted');
  const placed = [];
  for (const player of players) {
    for (const target of TARGETS) {
      const hash = await walletOf(player).writeContract({
        ...dice,
        functionName: 'bet',
        args: [STAKE_UNITS, target, bytesToHex(randomBytes(16))],
      });
      const { logs } = await landed(clients, hash);
      placed.push(...parseEventLogs({ abi: diceAbi, eventName: 'BetPlaced', logs }));
    }
  }

  await endBetting(clients);
  const reveal = await walletOf(house).writeContract({
    ...dice,
    functionName: 'reveal',
    args: [seed],
  });
  const { logs } = await landed(clients, reveal);
  const rolled = parseEventLogs({ abi: diceAbi, eventName: 'Rolled', logs });
  const bets = placed.map(({ args: bet }) => {
    const roll = rollOf(seed, bet.id, bet.player, bet.salt);
    const payout = roll < bet.target ? bet.maxPayout : 0n;
    const event = rolled.find((event) => event.args.id === bet.id);
    if (event?.args.roll !== roll || event.args.payout !== payout) {
      throw new Error(`got roll ${event?.args.roll} of bet ${bet.id}, expected ${roll}`);
    }
    const { id, player, stake, target } = bet;
    return { id, player, stake, target, roll, payout };
  });
  return { round: started.args.round, seed, bets };
}

async function connect({ rpcUrl, dice }: { rpcUrl: string; dice: Address }): Promise<DiceClients> {
  const transport = http(rpcUrl);
  const id = await createPublicClient({ transport }).getChainId();
  const chain = defineChain({
    id,
    name: 'dev',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  return {
    publicClient: createPublicClient({ chain, transport, pollingInterval: POLL_MS, cacheTime: 0 }),
    walletOf: (account: Account) => createWalletClient({ chain, transport, account }),
    dice,
  };
}

async function prepare(
  clients: DiceClients,
  house: Account,
  players: readonly Account[],
): Promise<void> {
  const { publicClient } = clients;
  const dice = { address: clients.dice, abi: diceAbi } as const;
  const address = await publicClient.readContract({ ...dice, functionName: 'betBook' });
  const betBook = { address, abi: betBookAbi } as const;
  const bankNo = await publicClient.readContract({ ...dice, functionName: 'bankNo' });
  const { bankroll } = await publicClient.readContract({
    ...betBook,
    functionName: 'bank',
    args: [bankNo],
  });
  if (bankroll === 0n) await fundBank(clients, house, BANKROLL_UNITS);
  const { timestamp } = await publicClient.getBlock();
  for (const player of players) {
    const seat = await publicClient.readContract({
      ...betBook,
      functionName: 'seat',
      args: [player.address, clients.dice],
    });
    if (seat.expiry > timestamp) continue;
    await takeSeat(clients, player, { buyIn: BUY_IN_UNITS, maxStake: STAKE_UNITS });
  }
}

/** Lets the betting time pass at once, as only a dev chain can. */
async function endBetting({ publicClient, dice }: DiceClients): Promise<void> {
  const bettingS = await publicClient.readContract({
    address: dice,
    abi: diceAbi,
    functionName: 'bettingS',
  });
  const test = createTestClient({
    chain: publicClient.chain,
    transport: custom(publicClient.transport),
    mode: 'hardhat',
  });
  await test.increaseTime({ seconds: bettingS });
  await test.mine({ blocks: 1 });
}

function accountOf(addressIndex: number): Account {
  return mnemonicToAccount(DEV_MNEMONIC, { addressIndex });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [rpcUrl, dice] = process.argv.slice(2);
  if (!rpcUrl || !dice?.startsWith('0x')) {
    throw new Error('got no endpoint and address, expected: playRound.ts URL 0x…');
  }
  const { round, bets } = await playRound({ rpcUrl, dice: dice as Address });
  console.log(`round ${round}`);
  console.table(bets.map(({ id, ...bet }) => ({ id: String(id), ...bet })));
}
