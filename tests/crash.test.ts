import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { startDevNode } from '../platform/chain/devNode.ts';
import { CRASH_POINTS, type CrashPoint } from '../platform/crash.ts';
import {
  expectWhole,
  playArgs,
  runCroupier,
  startCroupier,
  temporaryFolder,
} from './croupierProcess.ts';
import { createRandom } from './random.ts';

const KILLS = 20;
const BETS = 2_500;
/** So long a life may last before it is killed whatever it does; longer than any start. */
const LIFE_MS_MAX = 60_000;

test(`${KILLS} kills at named points and at random moments, then all ${BETS} bets are final with 0 mismatches`, {
  timeout: 420_000,
}, async () => {
  const seed = process.env.CROUPIER_TEST_SEED ?? 'croupier';
  const random = createRandom(seed);
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  // A process of its own: the chain outlives every kill.
  const node = await startDevNode({ port: 0 });
  onTestFinished(() => node.close());
  const args = [
    ...playArgs({ chain: node, dataFolder: folder.path, bets: BETS }),
    ...['--seed', seed],
  ];

  const acceptedAtKills: number[] = [];
  const hit = new Map<CrashPoint | 'random', number>();
  const die = async (point?: CrashPoint): Promise<void> => {
    // Seats are taken once, so a point of that phase must be met on its first pass.
    const pass = point === 'call.sent' ? 1 : 1 + Math.floor(random() * 4);
    const life = startCroupier(args, point ? { point, pass } : undefined);
    onTestFinished(() => void life.child.kill('SIGKILL'));
    // A point that is not met ends the life otherwise than by SIGKILL, and so fails the test.
    const limit = setTimeout(() => life.child.kill('SIGTERM'), LIFE_MS_MAX);
    if (!point) {
      await life.prints(random() < 0.3 ? 'gateway' : 'The demo plays');
      setTimeout(() => life.child.kill('SIGKILL'), random() * 1_000);
    }
    const ended = await life.ended;
    clearTimeout(limit);
    expect(ended, `${point ?? 'random'}, pass ${pass}\n${ended.stderr}`).toMatchObject({
      signal: 'SIGKILL',
    });
    const name = point ?? 'random';
    hit.set(name, (hit.get(name) ?? 0) + 1);
    acceptedAtKills.push(countAccepted(folder.path));
  };

  await die('call.sent');
  const rest = CRASH_POINTS.filter((point) => point !== 'call.sent');
  while (rest.length > 0) {
    const [point] = rest.splice(Math.floor(random() * rest.length), 1);
    await die(point);
  }
  while ([...hit.values()].reduce((sum, count) => sum + count, 0) < KILLS) await die();

  const ended = await runCroupier(args);
  const points = [...hit].map(([name, count]) => `${name} ×${count}`);
  console.log(
    `seed ${seed}; killed at ${points.join(', ')}; bets accepted at each kill: ${acceptedAtKills.join(', ')}`,
  );
  // A kill after the last bet would prove little.
  expect(acceptedAtKills.at(-1)).toBeLessThan(BETS);
  expectWhole(ended, BETS);
});

function countAccepted(dataFolder: string): number {
  const database = new DatabaseSync(join(dataFolder, 'ledger.sqlite'), { readOnly: true });
  try {
    const row = database.prepare(`SELECT count(*) AS bets FROM intent WHERE kind = 'bet'`).get();
    return Number(row?.bets);
  } finally {
    database.close();
  }
}
