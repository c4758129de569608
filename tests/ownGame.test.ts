// The way of docs/your-own-game.md, command by command.
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { CONTRACTS_TOPIC } from '../contracts/encoding/message.ts';
import { openSqliteBus } from '../platform/bus/sqlite.ts';
import { systemClock } from '../platform/clock.ts';
import {
  expectWhole,
  playArgs,
  runCroupier,
  sqlRows,
  startCroupier,
  temporaryFolder,
} from './croupierProcess.ts';
import { HARDHAT, startHardhatNode } from './hardhatNode.ts';

const ROOT = join(import.meta.dirname, '..');
/** Accounts of a Hardhat node, as it prints them: the deployer's key, the house, the guardian. */
const DEPLOYER_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const HOUSE = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const GUARDIAN = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const DEPLOYMENT_ID = `test-own-game-${process.pid}`;
const BETS_OF_A_ROUND = 6;
const BUILD_TIMEOUT_MS = 600_000;
const WAIT_MS = 30_000;

/** Runs a command of the page to its end. */
async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
  });
  return stdout;
}

// Compiling from nothing takes longer than anything that is tested here.
beforeAll(() => run([HARDHAT, 'build', '--no-tests']), BUILD_TIMEOUT_MS);

test("a game of one's own is deployed, configured, played and queried, and the demo plays beside it", {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const chain = await startHardhatNode();
  const devArgs = [
    ...['--rpc', chain.rpcUrl, '--ws', chain.wsUrl],
    ...['--no-demo', '--data', folder.path, '--port', '0'],
  ];

  // 1. Croupier deploys Treasury and BetBook, and says where.
  const first = startCroupier(devArgs);
  onTestFinished(() => void first.child.kill('SIGKILL'));
  const [, betBook] = /BetBook (0x[0-9a-f]{40})/.exec(await first.prints(/BetBook 0x/)) ?? [];

  // 2. The game is deployed on it.
  const parameters = join(folder.path, 'dice.json');
  const dice = {
    betBook,
    house: HOUSE,
    guardian: GUARDIAN,
    maxPayoutUnits: '1000000n',
    stopLossUnits: '5000000n',
    dayWonUnits: '50000000n',
    maxHorizonS: 600,
    minStakeUnits: '10n',
    maxStakeUnits: '10000n',
    bettingS: 60,
    revealS: 300,
  };
  await writeFile(parameters, JSON.stringify({ Dice: dice }));
  onTestFinished(() =>
    rm(join(ROOT, 'contracts/ignition/deployments', DEPLOYMENT_ID), {
      recursive: true,
      force: true,
    }),
  );
  await run(
    [
      ...[HARDHAT, 'ignition', 'deploy', 'contracts/ignition/modules/Dice.ts'],
      ...['--network', 'live', '--parameters', parameters, '--deployment-id', DEPLOYMENT_ID],
    ],
    {
      CHAIN_RPC_URL: chain.rpcUrl,
      CROUPIER_DEPLOYER_KEY: DEPLOYER_KEY,
      HARDHAT_IGNITION_CONFIRM_DEPLOYMENT: 'false',
    },
  );
  const deployedPath = join(
    ROOT,
    `contracts/ignition/deployments/${DEPLOYMENT_ID}/deployed_addresses.json`,
  );
  const { 'Dice#Dice': address } = JSON.parse(await readFile(deployedPath, 'utf8'));

  // 3. The game is configured, and Croupier is started again.
  const config = join(folder.path, 'ponder.config.ts');
  await writeFile(config, configWithDice(deployedPath));
  first.child.kill('SIGINT');
  expect((await first.ended).code).toBe(0);
  const second = startCroupier([...devArgs, '--config', config]);
  onTestFinished(() => void second.child.kill('SIGKILL'));
  await second.prints(/BetBook 0x/);

  // 4. A round is played and queried.
  const played = await run(['contracts/games/playRound.ts', chain.rpcUrl, address]);
  expect(played).toMatch(/^round 1$/m);
  const rolledSql = `
SELECT rolled.roll AS roll, placed.target AS target, toString(rolled.payout) AS payout,
  toString(settled.payout) AS settled, toString(opened.stake) AS stake, opened.player AS player
FROM final_dice_rolled AS rolled
JOIN final_dice_bet_placed AS placed ON placed.id = rolled.id
JOIN final_bet_book_opened AS opened ON opened.id = rolled.id
JOIN final_bet_book_settled AS settled ON settled.id = rolled.id`;
  const rolls = await vi.waitUntil(
    async () => {
      const rows = await sqlRows(folder.path, rolledSql);
      return rows.length === BETS_OF_A_ROUND && rows;
    },
    { timeout: WAIT_MS, interval: 200 },
  );
  for (const { roll, target, payout, settled, stake } of rolls) {
    expect(settled).toBe(payout);
    expect(payout !== '0').toBe(Number(roll) < Number(target));
    expect(stake).toBe('100');
  }
  expect(
    await sqlRows(
      folder.path,
      'SELECT toString(operator_no) AS no, operator FROM final_bet_book_operator_registered ORDER BY no',
    ),
  ).toMatchObject([{ no: '1' }, { no: '2', operator: address.toLowerCase() }]);
  expect(
    await sqlRows(
      folder.path,
      'SELECT toString(amount) AS amount FROM final_bet_book_bank_funded WHERE bank = 2',
    ),
  ).toEqual([{ amount: '10000000' }]);
  second.child.kill('SIGINT');
  expect((await second.ended).code).toBe(0);

  // 5. The demo plays on the same BetBook: the game's bets are not the operator's, and nothing is off.
  const demo = await runCroupier([
    ...playArgs({ chain, dataFolder: folder.path, bets: 40 }),
    ...['--config', config],
  ]);
  expectWhole(demo, 40);
  expect(await sqlRows(folder.path, rolledSql)).toHaveLength(BETS_OF_A_ROUND);

  // 6. Each event of the game is on the bus once, in the game's own topic.
  const bus = await openSqliteBus({ path: join(folder.path, 'bus.sqlite'), clock: systemClock });
  onTestFinished(() => bus.close());
  const messages = await bus.read({
    topic: CONTRACTS_TOPIC,
    partition: 0,
    offset: 0,
    max: 1_000,
    waitMs: 0,
  });
  const events = messages
    .filter(({ headers }) => headers.type === 'contract.event')
    .map(({ value }) => JSON.parse(value).event);
  expect(events).toEqual([
    'RoundStarted',
    ...Array(BETS_OF_A_ROUND).fill('BetPlaced'),
    ...Array(BETS_OF_A_ROUND).fill('Rolled'),
    'RoundRevealed',
  ]);
});

/** `ponder.config.ts` as the page changes it, to be read from another folder. */
function configWithDice(deployedPath: string): string {
  const url = (path: string): string => pathToFileURL(join(ROOT, path)).href;
  return `
import deployed from '${pathToFileURL(deployedPath).href}' with { type: 'json' };
import { diceAbi } from '${url('contracts/generated/dice.ts')}';
import { createConfig } from '${url('indexer/config.ts')}';
import croupier from '${url('ponder.config.ts')}?${process.pid}';

export default createConfig({
  ...croupier,
  contracts: {
    ...croupier.contracts,
    Dice: {
      chain: 'croupier',
      abi: diceAbi,
      address: deployed['Dice#Dice'],
      startBlock: croupier.contracts.BetBook.startBlock,
    },
  },
});
`;
}
