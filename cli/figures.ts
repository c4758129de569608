import type { Clock } from '../platform/clock.ts';
import type { DeployedServices } from './deployedServices.ts';
import type { Figures } from './liveStatus.ts';

/** Single intervals jump; a speed is over at least so long. */
const SPEED_INTERVAL_MS = 1_000;

/** Reads the figures of the live status; each call sees the speed since the one before. */
export function createFigures(args: {
  services: DeployedServices;
  clock: Clock;
}): () => Promise<Figures> {
  const { services, clock } = args;
  let before = { atMs: clock.nowMs(), accepted: 0 };
  let betsPerSecond = 0;

  return async () => {
    const counts = await services.counter().count();
    const status = await services.status();
    const nowMs = clock.nowMs();
    const passedMs = nowMs - before.atMs;
    if (passedMs >= SPEED_INTERVAL_MS) {
      betsPerSecond = (1_000 * Math.max(0, counts.accepted - before.accepted)) / passedMs;
      before = { atMs: nowMs, accepted: counts.accepted };
    }
    return {
      ...counts,
      betsPerSecond,
      lag: {
        executorActions: counts.waitingActions,
        indexerBlocks: status ? status.indexer.headBlock - status.indexer.indexedBlock : 0,
        warehouseSteps: status?.indexer.sinks.warehouse.behindSteps ?? 0,
        busSteps: status?.indexer.sinks.bus.behindSteps ?? 0,
        mirrorMessages: status?.mirror.reduce((sum, { lag }) => sum + lag, 0) ?? 0,
      },
    };
  };
}
