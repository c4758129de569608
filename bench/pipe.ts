// How many bets per second go the whole way, from HTTP request to warehouse row, beside what the chain
// alone takes in the same run; and how long one bet takes from its answer to its final row.
// `npm run bench -- [bets]`
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import type { Address } from 'viem';
import { connectChain } from '../cli/chain.ts';
import type { SeatedPlayer } from '../cli/demo/exchange.ts';
import { openDemoRecord } from '../cli/demo/record.ts';
import { takeSeats } from '../cli/demo/seats.ts';
import { createDevClients, DEMO_PROVIDER, mintToPlayers } from '../cli/deployment.ts';
import { createProviderClient, type NativeAction } from '../gateway/client.ts';
import { startDevNode } from '../platform/chain/devNode.ts';
import { systemClock } from '../platform/clock.ts';
import { readProcessFile } from '../platform/dataFolder.ts';
import { measureChainLimit } from './chainLimit.ts';

const PLAYERS = 64;
const LATENCY_SAMPLES = 20;
const STAKE = '100';
const MAX_PAYOUT = '200';
const POLL_MS = 20;
const TIMEOUT_MS = 300_000;

const bets = Number(process.argv[2] ?? 4_000);
if (!Number.isSafeInteger(bets) || bets < 100) {
  throw new Error(`got ${process.argv[2]} bets, expected a whole number from 100 on`);
}
const dataFolder = mkdtempSync(join(tmpdir(), 'croupier-bench-'));
const node = await startDevNode({ port: 0 });
const stack = spawn(
  process.execPath,
  [
    join(import.meta.dirname, '..', 'cli', 'main.ts'),
    ...['--no-demo', '--rpc', node.rpcUrl, '--ws', node.wsUrl, '--data', dataFolder, '--port', '0'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  const baseUrl = await gatewayOf(stack);
  console.log(`${PLAYERS} players take their seats`);
  const table = await seat(baseUrl);
  console.log(`${bets} bets, each a signed request and a second one with its result`);
  const pipe = await measurePipe(table);
  console.log(`${LATENCY_SAMPLES} single bets`);
  const latenciesMs = await measureLatency(table);
  stack.kill('SIGINT');
  await new Promise((resolve) => stack.once('close', resolve));
  console.log('the same number of bets in presigned batches of 100, straight to the node');
  const chain = await measureChainLimit({
    rpcUrl: node.rpcUrl,
    dataFolder,
    bets,
    players: table.players.map(({ address }) => address),
  });
  const result = {
    bets,
    answeredPerSecond: rounded(pipe.answeredPerSecond),
    toWarehousePerSecond: rounded(pipe.toWarehousePerSecond),
    chainLimitPerSecond: rounded(chain.betsPerSecond),
    ratio: Number((pipe.toWarehousePerSecond / chain.betsPerSecond).toFixed(3)),
    answerToFinalRowMs: {
      median: rounded(latenciesMs[Math.floor(latenciesMs.length / 2)] ?? 0),
      max: rounded(latenciesMs.at(-1) ?? 0),
    },
  };
  console.log(JSON.stringify(result));
} finally {
  stack.kill('SIGKILL');
  await node.close();
  rmSync(dataFolder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

interface Table {
  readonly client: ReturnType<typeof createProviderClient>;
  readonly players: readonly SeatedPlayer[];
}

async function gatewayOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('got a child without stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /gateway\s+(http:\S+)/.exec(line)?.[1];
    if (url) {
      child.stdout.resume();
      return url;
    }
  }
  throw new Error('the stack ended before it had a gateway');
}

async function seat(baseUrl: string): Promise<Table> {
  const database = new DatabaseSync(join(dataFolder, 'ledger.sqlite'), { readOnly: true });
  const row = database.prepare('SELECT * FROM deployment').get() as Record<string, string | number>;
  database.close();
  const { demoSecret } = JSON.parse(readFileSync(join(dataFolder, 'keys.json'), 'utf8'));
  const chain = await connectChain({ rpcUrl: node.rpcUrl });
  const client = createProviderClient({
    baseUrl,
    keyId: DEMO_PROVIDER.keyId,
    secret: demoSecret.slice(2),
    clock: systemClock,
  });
  const record = openDemoRecord({
    path: join(dataFolder, 'demo.sqlite'),
    deployment: String(row.deployment),
    seed: 'bench',
  });
  const players = await takeSeats({
    client,
    record,
    seed: 'bench',
    playerCount: PLAYERS,
    chain: {
      deployment: String(row.deployment),
      chainId: Number(row.chain_id),
      treasury: row.treasury as Address,
      betBook: row.bet_book as Address,
      token: row.token as Address,
      operator: row.operator as Address,
    },
    chainTimeS: async () =>
      Number((await createDevClients(chain).publicClient.getBlock()).timestamp),
    faucet: (addresses, amountUnits) =>
      mintToPlayers(chain, row.token as Address, addresses, amountUnits),
    clock: systemClock,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  record.close();
  if (!players) throw new Error('the players got no seats in time');
  return { client, players };
}

/** Plays a bet and its result; half of the bets win. Resolves when both are answered. */
async function playBet({ client }: Table, player: SeatedPlayer, name: string): Promise<string> {
  const send = async (action: NativeAction): Promise<string> => {
    const body = JSON.stringify({
      session: player.session,
      game: 'dice',
      round: name,
      actions: [action],
    });
    const answer = await client.request(body, action.txId);
    if (answer.status !== 200) throw new Error(`got ${answer.status}: ${answer.text}`);
    return JSON.parse(answer.text).ref;
  };
  const ref = await send({ type: 'bet', txId: `${name}-bet`, stake: STAKE, maxPayout: MAX_PAYOUT });
  const payout = name.length % 2 === 0 ? MAX_PAYOUT : '0';
  await send({ type: 'win', txId: `${name}-win`, betTxId: `${name}-bet`, payout });
  return ref;
}

async function measurePipe(
  table: Table,
): Promise<{ answeredPerSecond: number; toWarehousePerSecond: number }> {
  let next = 0;
  const startMs = performance.now();
  await Promise.all(
    table.players.map(async (player) => {
      for (let bet = next++; bet < bets; bet = next++) await playBet(table, player, `load-${bet}`);
    }),
  );
  const answeredMs = performance.now() - startMs;
  await until(
    `SELECT (SELECT count() FROM bet_book_played) + (SELECT count() FROM bet_book_settled) AS found`,
    bets,
  );
  const landedMs = performance.now() - startMs;
  return {
    answeredPerSecond: (bets / answeredMs) * 1000,
    toWarehousePerSecond: (bets / landedMs) * 1000,
  };
}

async function measureLatency(table: Table): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (let sample = 0; sample < LATENCY_SAMPLES; sample++) {
    const player = table.players[sample % table.players.length];
    if (!player) throw new Error('got no players');
    const ref = await playBet(table, player, `single-${sample}`);
    const startMs = performance.now();
    await until(`SELECT count() AS found FROM final_bet_book_played WHERE ref_bet = '${ref}'`, 1);
    latenciesMs.push(performance.now() - startMs);
  }
  return latenciesMs.toSorted((left, right) => left - right);
}

/** Asks the warehouse, through the running process, until `found` is there. */
async function until(sql: string, wanted: number): Promise<void> {
  const running = await readProcessFile(dataFolder);
  if (!running) throw new Error('the stack does not run');
  const deadlineMs = performance.now() + TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const response = await fetch(new URL('/admin/sql', running.url), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${running.token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ sql }),
    });
    const rows = (await response.json()) as { found: string }[];
    if (!response.ok) throw new Error(`got ${response.status}: ${JSON.stringify(rows)}`);
    if (Number(rows[0]?.found) >= wanted) return;
    await systemClock.sleep(POLL_MS);
  }
  throw new Error(`got fewer than ${wanted} rows within ${TIMEOUT_MS / 1000} s: ${sql}`);
}

function rounded(value: number): number {
  return Math.round(value);
}
