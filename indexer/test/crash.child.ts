import type { CrashPoint } from '../../platform/crash.ts';
import { type StackArgs, startStack } from './stack.ts';

// Runs an indexer that dies by kill -9 at the `hits`-th time it comes to a crash point.
const [point, hits, stackArgs] = process.argv.slice(2) as [CrashPoint, string, string];
let left = Number(hits);
await startStack({
  ...(JSON.parse(stackArgs) as StackArgs),
  crash(at) {
    if (at !== point) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
