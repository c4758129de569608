import type { Rpc } from '../platform/chain/rpc.ts';
import type { Clock } from '../platform/clock.ts';
import type { Notice } from './context.ts';
import type { FinalityPolicy } from './finality.ts';

/** A node that made no block for this long mines on demand only. */
const IDLE_MS = 2_000;
const BLOCKS_AT_ONCE_MAX = 256;

export interface IdleMiner {
  /**
   * Mines what finality needs when the block `awaited` waits for it and no block has come for two
   * seconds. Resolves to whether it mined.
   */
  mineIfIdle(head: number, awaited: number | undefined): Promise<boolean>;
}

/**
 * Keeps finality going on a development node that mines nothing while nobody sends. Says so once.
 */
export function createIdleMiner(args: {
  rpc: Rpc;
  clock: Clock;
  finality: FinalityPolicy;
  onNotice: (notice: Notice) => void;
}): IdleMiner {
  let lastHead = -1;
  let sinceMs = 0;
  let hasSaid = false;
  return {
    async mineIfIdle(head, awaited) {
      const nowMs = args.clock.nowMs();
      if (head !== lastHead) {
        lastHead = head;
        sinceMs = nowMs;
      }
      if (awaited === undefined || nowMs - sinceMs < IDLE_MS) return false;
      const wanted = 'depth' in args.finality ? awaited + args.finality.depth - head : 1;
      for (let mined = 0; mined < Math.min(wanted, BLOCKS_AT_ONCE_MAX); mined += 1) {
        await args.rpc.call('evm_mine', []);
      }
      sinceMs = nowMs;
      if (!hasSaid) {
        args.onNotice({
          code: 'INDEXER_MINES',
          message:
            'The node makes no blocks while it is idle, so nothing would become final: empty blocks are mined where they are needed.',
        });
      }
      hasSaid = true;
      return true;
    },
  };
}
