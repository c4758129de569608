import type { Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commitmentOf, rollOf } from './rolls.ts';
import {
  account,
  BETTING_S,
  MAX_STAKE_UNITS,
  openTable,
  REVEAL_S,
  SALT,
  seedOf,
  type Table,
} from './table.ts';

const alice = account(10);
const bob = account(11);
const stranger = account(9);
/** The bet's part of a round: no two tests commit to the same seed. */
let rounds = 0;
const nextSeed = (): Hex => {
  rounds += 1;
  return seedOf(rounds);
};

let table: Table;
beforeAll(async () => {
  table = await openTable();
  await table.sit(alice, 1_000_000n);
  await table.sit(bob, 1_000_000n);
});
afterAll(() => table.close());

const balanceOf = async (player: { address: Hex }) => (await table.seatOf(player.address)).balance;

/** Opens a round, plays `bets` in it, and waits until it may be revealed. */
async function playRound(
  seed: Hex,
  bets: readonly { player: typeof alice; stake: bigint; target: number; salt?: Hex }[],
) {
  await table.start(seed);
  const placed = [];
  for (const { player, stake, target, salt } of bets) {
    const [event] = table
      .events(await table.bet(player, stake, target, salt))
      .filter((event) => event.eventName === 'BetPlaced');
    if (!event) throw new Error('got no BetPlaced');
    placed.push(event.args);
  }
  await table.passTime(BETTING_S);
  return placed;
}

// ---------------------------------------------------------------------------------- rounds

test('a round goes from the commitment to the payouts, as anyone computes them from the events', async () => {
  const before = {
    alice: await balanceOf(alice),
    bob: await balanceOf(bob),
    bank: await table.bank(),
  };
  const seed = nextSeed();
  const placed = await playRound(seed, [
    { player: alice, stake: 100n, target: 5_000 },
    { player: bob, stake: 200n, target: 9_800, salt: `0x${'01'.repeat(16)}` },
    { player: alice, stake: 300n, target: 2_500 },
    { player: bob, stake: 1_000n, target: 99, salt: `0x${'02'.repeat(16)}` },
  ]);
  const open = await table.bank();
  expect(open.locked).toBe(1_600n);
  expect(open.reserved).toBe(98n + 2n + 888n + 99_000n);

  const outcomes = placed.map((bet) => {
    const roll = rollOf(seed, bet.id, bet.player, bet.salt);
    return { id: bet.id, player: bet.player, roll, payout: roll < bet.target ? bet.maxPayout : 0n };
  });
  const events = table.events(await table.reveal(seed));
  expect(
    events
      .filter((event) => event.eventName === 'Rolled')
      .map(({ args: { id, player, roll, payout } }) => ({ id, player, roll, payout })),
  ).toEqual(outcomes);
  expect(
    events
      .filter((event) => event.eventName === 'Settled')
      .map(({ args: { id, player, payout } }) => ({ id, player, payout })),
  ).toEqual(outcomes.map(({ id, player, payout }) => ({ id, player, payout })));
  expect(events.filter((event) => event.eventName === 'Rejected')).toEqual([]);
  expect(events.filter((event) => event.eventName === 'RoundFinalized')).toHaveLength(1);

  const paid = (player: Hex) =>
    outcomes.filter((bet) => bet.player === player).reduce((sum, bet) => sum + bet.payout, 0n);
  expect(await balanceOf(alice)).toBe(before.alice - 400n + paid(alice.address));
  expect(await balanceOf(bob)).toBe(before.bob - 1_200n + paid(bob.address));
  const bank = await table.bank();
  expect(bank.bankroll).toBe(
    before.bank.bankroll + 1_600n - paid(alice.address) - paid(bob.address),
  );
  expect([bank.locked, bank.reserved]).toEqual([0n, 0n]);
});

test('64 bets are settled in one transaction, and the same slots serve the next round', async () => {
  const bets = Array.from({ length: 64 }, (_, index) => ({
    player: index % 2 === 0 ? alice : bob,
    stake: 100n,
    target: 5_000,
  }));
  for (const slots of ['new', 'used']) {
    const seed = nextSeed();
    await table.start(seed);
    for (const { player, stake, target } of bets) await table.bet(player, stake, target);
    expect(await table.errorOf(table.bet(alice, 100n, 5_000))).toBe('RoundFull');
    await table.passTime(BETTING_S);
    const receipt = await table.reveal(seed);
    expect(table.events(receipt).filter((event) => event.eventName === 'Settled')).toHaveLength(64);
    // Far below what a transaction may use (EIP-7825).
    expect(receipt.gasUsed, slots).toBeLessThan(4_000_000n);
  }
});

test('a round without bets ends like any other', async () => {
  const seed = nextSeed();
  await playRound(seed, []);
  await table.reveal(seed);
  await playRound(nextSeed(), []);
  await table.passTime(REVEAL_S);
  await table.expire();
});

// -------------------------------------------------------------------------------- fairness

test('over many seeds the rolls are even', () => {
  // Pearson's χ² over 100 classes: above 180 happens once in 10^6 lists of even numbers.
  const counts = Array.from({ length: 100 }, () => 0);
  const rolls = 20_000;
  for (let round = 0; round < rolls; round++) {
    const roll = rollOf(seedOf(1_000_000 + round), 7n, alice.address, SALT);
    counts[Math.floor(roll / 100)] = (counts[Math.floor(roll / 100)] ?? 0) + 1;
  }
  const expected = rolls / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(chiSquare).toBeLessThan(180);
  // And not too even, as numbers that are counted up would be.
  expect(chiSquare).toBeGreaterThan(45);
});

test('a roll changes with the seed, the bet, the player and the salt', async () => {
  const { publicClient, dice } = table;
  const bets: Parameters<typeof rollOf>[] = [
    [seedOf(1), 1n, alice.address, SALT],
    [seedOf(2), 1n, alice.address, SALT],
    [seedOf(1), 2n, alice.address, SALT],
    [seedOf(1), 1n, bob.address, SALT],
    [seedOf(1), 1n, alice.address, `0x${'00'.repeat(16)}`],
  ];
  const rolls = [];
  for (const args of bets) {
    rolls.push(await publicClient.readContract({ ...dice, functionName: 'rollOf', args }));
    expect(rolls.at(-1)).toBe(rollOf(...args));
  }
  expect(new Set(rolls).size).toBe(5);
});

test('the house keeps exactly 1%, but for rounding in its favour', async () => {
  const { publicClient, dice } = table;
  for (const [stake, target] of [
    [10_000n, 9_800],
    [10_000n, 9_900 / 2],
    [700n, 4_900],
    [1n, 1],
    [37n, 3_333],
    [MAX_STAKE_UNITS, 1],
  ] as const) {
    const payout = await publicClient.readContract({
      ...dice,
      functionName: 'payoutOf',
      args: [stake, target],
    });
    // Over all 10,000 rolls, of which `target` win.
    const paid = payout * BigInt(target);
    const returned = stake * 9_900n;
    expect(paid).toBeLessThanOrEqual(returned);
    expect(returned - paid).toBeLessThan(BigInt(target));
    if (returned % BigInt(target) === 0n) expect(paid).toBe(returned);
  }
});

// ------------------------------------------------------------------------- an absent house

test('a house that never reveals pays every bet in full, whoever ends the round', async () => {
  const before = {
    alice: await balanceOf(alice),
    bob: await balanceOf(bob),
    bank: await table.bank(),
  };
  const seed = nextSeed();
  await playRound(seed, [
    { player: alice, stake: 100n, target: 5_000 },
    { player: bob, stake: 200n, target: 1_000 },
  ]);
  expect(await table.errorOf(table.expire())).toBe('NotDue');
  await table.passTime(REVEAL_S);
  expect(await table.errorOf(table.reveal(seed))).toBe('RevealTooLate');

  const events = table.events(await table.expire());
  expect(events.filter((event) => event.eventName === 'Expired')).toHaveLength(2);
  expect(await balanceOf(alice)).toBe(before.alice + 98n);
  expect(await balanceOf(bob)).toBe(before.bob + 1_780n);
  const bank = await table.bank();
  expect(bank.bankroll).toBe(before.bank.bankroll - 98n - 1_780n);
  expect([bank.locked, bank.reserved]).toEqual([0n, 0n]);
  expect(await table.errorOf(table.expire())).toBe('NoRound');

  const next = nextSeed();
  await playRound(next, [{ player: alice, stake: 100n, target: 5_000 }]);
  await table.reveal(next);
});

test('a page that somebody expired at BetBook itself does not stop the others', async () => {
  const { dice, betBook, publicClient, walletOf } = table;
  const before = { alice: await balanceOf(alice), bob: await balanceOf(bob) };
  await playRound(nextSeed(), [
    { player: alice, stake: 100n, target: 5_000 },
    { player: bob, stake: 100n, target: 5_000 },
  ]);
  await table.passTime(REVEAL_S);
  const lane = await publicClient.readContract({ ...dice, functionName: 'lane' });
  const preimage = await publicClient.readContract({
    ...dice,
    functionName: 'preimageOf',
    args: [0],
  });
  await table.land(
    walletOf(stranger).writeContract({
      ...betBook,
      functionName: 'expire',
      args: [Number(lane), 0, preimage],
    }),
  );
  await table.expire();
  expect(await balanceOf(alice)).toBe(before.alice + 98n);
  expect(await balanceOf(bob)).toBe(before.bob + 98n);
});

test('a game that its guardian disabled pays what was open, and plays again after the notice', async () => {
  const { dice, betBook, guardian, house, walletOf } = table;
  const before = await balanceOf(alice);
  const seed = nextSeed();
  await table.start(seed);
  await table.bet(alice, 100n, 5_000);
  await table.land(
    walletOf(guardian).writeContract({
      ...betBook,
      functionName: 'disableExecutor',
      args: [dice.address, dice.address],
    }),
  );
  expect(await table.errorOf(table.bet(alice, 100n, 5_000))).toBe('NotAllowed');
  await table.passTime(BETTING_S);
  expect(await table.errorOf(table.reveal(seed))).toBe('NotAllowed');
  await table.passTime(REVEAL_S);
  await table.expire();
  expect(await balanceOf(alice)).toBe(before + 98n);

  const enable = (as: typeof house) =>
    table.land(walletOf(as).writeContract({ ...dice, functionName: 'enable' }));
  expect(await table.errorOf(enable(guardian))).toBe('NotHouse');
  await enable(house);
  await table.passTime(60);
  const next = nextSeed();
  await playRound(next, [{ player: alice, stake: 100n, target: 5_000 }]);
  await table.reveal(next);
});

// --------------------------------------------------------------------------------- refusals

test('only the seed that was committed to is accepted, once, from the house, after the bets', async () => {
  const { dice, house, walletOf } = table;
  const seed = nextSeed();
  const start = (commitment: Hex, as = house) =>
    table.land(walletOf(as).writeContract({ ...dice, functionName: 'start', args: [commitment] }));
  expect(await table.errorOf(table.reveal(seed))).toBe('NoRound');
  expect(await table.errorOf(table.bet(alice, 100n, 5_000))).toBe('NoRound');
  expect(await table.errorOf(start(commitmentOf(seed), stranger))).toBe('NotHouse');
  expect(await table.errorOf(start(`0x${'00'.repeat(32)}`))).toBe('CommitmentUnusable');

  await start(commitmentOf(seed));
  await table.bet(alice, 100n, 5_000);
  expect(await table.errorOf(start(commitmentOf(seedOf(0))))).toBe('RoundRunning');
  expect(await table.errorOf(table.reveal(seed))).toBe('BettingOpen');
  await table.passTime(BETTING_S);
  expect(await table.errorOf(table.bet(alice, 100n, 5_000))).toBe('BettingOver');
  expect(await table.errorOf(table.reveal(seedOf(0)))).toBe('SeedMismatch');
  expect(await table.errorOf(table.reveal(seed, stranger))).toBe('NotHouse');
  await table.reveal(seed);

  const after = await balanceOf(alice);
  expect(await table.errorOf(table.reveal(seed))).toBe('NoRound');
  expect(await table.errorOf(start(commitmentOf(seed)))).toBe('CommitmentUnusable');
  expect(await balanceOf(alice)).toBe(after);
});

test('a bet that BetBook would refuse reverts with the reason, and costs its player nothing', async () => {
  const { dice, betBook, bankNo, guardian, house, publicClient, walletOf } = table;
  const carol = account(12);
  const seed = nextSeed();
  await table.start(seed);
  expect(await table.errorOf(table.bet(carol, 100n, 5_000))).toBe('NoSeat');
  await table.sit(carol, 150n, 120n);
  expect(await table.errorOf(table.bet(carol, 121n, 5_000))).toBe('AboveSeatLimit');
  await table.bet(carol, 100n, 5_000);
  expect(await table.errorOf(table.bet(carol, 51n, 5_000))).toBe('SeatShort');
  // 10,000 at 99 would pay 1,000,000, the most of the bank; at 98 more.
  expect(await table.errorOf(table.bet(alice, 10_000n, 98))).toBe('BankRefused');
  await table.bet(alice, 10_000n, 99);

  for (const [stake, target, error] of [
    [9n, 5_000, 'StakeOutOfRange'],
    [10_001n, 5_000, 'StakeOutOfRange'],
    // Wins 49, which is nothing on top of the stake.
    [49n, 9_800, 'StakeOutOfRange'],
    [2n ** 96n - 1n, 1, 'StakeOutOfRange'],
    [100n, 0, 'TargetOutOfRange'],
    [100n, 9_801, 'TargetOutOfRange'],
  ] as const) {
    expect(await table.errorOf(table.bet(alice, stake, target))).toBe(error);
  }
  const [, , , , bets] = await publicClient.readContract({ ...dice, functionName: 'round' });
  expect(bets).toBe(2);

  await table.land(
    walletOf(guardian).writeContract({
      ...betBook,
      functionName: 'pause',
      args: [bankNo, (await table.nowS()) + 3_600],
    }),
  );
  expect(await table.errorOf(table.bet(alice, 100n, 5_000))).toBe('BankRefused');
  await table.passTime(BETTING_S);
  await table.reveal(seed);
  expect((await table.bank()).locked).toBe(0n);
  expect(house.address).toBe((await table.bank()).admin);
  await table.passTime(3_600);
});

test('a reveal settles all or nothing, whatever gas it is given', async () => {
  const { dice, house, publicClient } = table;
  const seed = nextSeed();
  await playRound(
    seed,
    Array.from({ length: 10 }, () => ({ player: alice, stake: 100n, target: 5_000 })),
  );
  const outcomes: string[] = [];
  for (let gas = 50_000n; gas <= 1_000_000n; gas += 25_000n) {
    const call = publicClient.simulateContract({
      ...dice,
      functionName: 'reveal',
      args: [seed],
      account: house,
      gas,
    });
    outcomes.push(await table.errorOf(call));
  }
  const enough = outcomes.indexOf('no error');
  expect(enough).toBeGreaterThan(0);
  expect(outcomes.slice(enough).every((outcome) => outcome === 'no error')).toBe(true);
  expect(outcomes.slice(0, enough)).toContain('BatchIncomplete');
  await table.reveal(seed);
  expect((await table.bank()).locked).toBe(0n);
});

test('rules that cannot be kept are refused when the game is deployed', async () => {
  for (const [what, changed] of Object.entries({
    'no least stake': { rules: { minStake: 0n } },
    'stakes crossed': { rules: { minStake: MAX_STAKE_UNITS + 1n } },
    'no time to bet': { rules: { bettingS: 0 } },
    'no time to reveal': { rules: { revealS: 0 } },
    'due beyond the horizon': { limits: { maxHorizon: BETTING_S + REVEAL_S - 1 } },
  })) {
    expect(await table.errorOf(table.deployDice(changed)), what).toBe('RulesInvalid');
  }
});
