import { CHAIN_TOPIC } from '../contracts/encoding/message.ts';
import type { AccountCache } from '../ledger/accountCache.ts';
import { findDeployment } from '../ledger/deployments.ts';
import type { LedgerContext } from '../ledger/ledger.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { CroupierError } from '../platform/errors.ts';
import { consume, readPosition } from './consume.ts';

/** Messages applied in one transaction. */
const BATCH_MAX = 500;
/** How long a read waits for the first message. */
const READ_WAIT_MS = 1_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5_000;

export interface PartitionStatus {
  readonly partition: number;
  readonly epoch: number;
  /** Number of the last message that was applied. */
  readonly n: number;
  /** Highest final block that was applied, if any. */
  readonly finalBlock: number | null;
  /** Messages that are on the bus and not read yet. */
  readonly lag: number;
  /** `halted`: something cannot be applied; an operator has to judge. */
  readonly state: 'running' | 'retrying' | 'halted' | 'stopped';
  /** Code and sentence of what halted it or is retried. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

export interface Mirror {
  /**
   * Begins to apply the bus to the ledger, each partition for itself.
   * @throws CroupierError `DEPLOYMENT_UNKNOWN` (fatal)
   */
  start(): Promise<void>;
  /** Ends after the batches under way. */
  stop(): Promise<void>;
  status(): Promise<PartitionStatus[]>;
}

interface Partition {
  readonly partition: number;
  state: PartitionStatus['state'];
  error: PartitionStatus['error'];
  running: Promise<void>;
}

/**
 * Applies the chain's events from the bus to the ledger of one deployment. `consumer` names whose
 * positions these are. What may pass is retried with growing pauses; what cannot be applied halts its
 * partition, and is never skipped. Seats that changed are kept in `accounts` after each commit.
 */
export function createMirror(args: {
  ledger: LedgerContext;
  accounts: AccountCache;
  bus: Bus;
  deployment: string;
  consumer: string;
}): Mirror {
  const { ledger, accounts, bus, deployment, consumer } = args;
  const stopping = new AbortController();
  const partitions: Partition[] = [];

  function keyOf({ partition }: Partition) {
    return { consumer, topic: CHAIN_TOPIC, deployment, partition };
  }

  async function run(partition: Partition): Promise<void> {
    let pauseMs = RETRY_FIRST_MS;
    let gapAt: number | undefined;
    while (!stopping.signal.aborted) {
      try {
        const from = (await readPosition(ledger, keyOf(partition))).next_offset;
        const messages = await bus.read({
          topic: CHAIN_TOPIC,
          partition: partition.partition,
          offset: from,
          max: BATCH_MAX,
          waitMs: READ_WAIT_MS,
          signal: stopping.signal,
        });
        if (messages.length > 0) {
          const consumed = await consume(ledger, keyOf(partition), from, messages);
          await accounts.keep(consumed.written);
          const { position, gap } = consumed;
          if (gap && gapAt === position.next_offset) throw gapError(partition, position, gap);
          gapAt = gap ? position.next_offset : undefined;
        }
        partition.state = 'running';
        partition.error = undefined;
        pauseMs = RETRY_FIRST_MS;
      } catch (error) {
        partition.error = errorOf(error);
        if (error instanceof CroupierError && error.errorClass !== 'retryable') {
          partition.state = 'halted';
          return;
        }
        partition.state = 'retrying';
        await ledger.clock.sleep(pauseMs, stopping.signal);
        pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS);
      }
    }
    partition.state = 'stopped';
  }

  async function start(): Promise<void> {
    const row = await findDeployment(ledger, deployment);
    if (!row) {
      throw new CroupierError({
        code: 'DEPLOYMENT_UNKNOWN',
        errorClass: 'fatal',
        message: `got deployment ${deployment} to mirror, expected a registered one`,
      });
    }
    await bus.ensureTopic(CHAIN_TOPIC, row.partitions);
    for (let number = 0; number < row.partitions; number += 1) {
      const partition: Partition = {
        partition: number,
        state: 'running',
        error: undefined,
        running: Promise.resolve(),
      };
      partitions.push(partition);
      partition.running = run(partition);
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.all(partitions.map(({ running }) => running));
  }

  async function status(): Promise<PartitionStatus[]> {
    return await Promise.all(
      partitions.map(async (partition) => {
        const position = await readPosition(ledger, keyOf(partition));
        const end = await bus.endOffset(CHAIN_TOPIC, partition.partition);
        return {
          partition: partition.partition,
          epoch: position.epoch,
          n: position.n,
          finalBlock: position.final_block,
          lag: end - position.next_offset,
          state: partition.state,
          error: partition.error,
        };
      }),
    );
  }

  return { start, stop, status };
}

function gapError(
  { partition }: Partition,
  position: { epoch: number; next_offset: number },
  gap: { expected: number; got: number },
): CroupierError {
  return new CroupierError({
    code: 'MIRROR_GAP',
    errorClass: 'fatal',
    message: `got n ${gap.got} at offset ${position.next_offset} of partition ${partition}, epoch ${position.epoch}, expected n ${gap.expected}`,
  });
}

function errorOf(error: unknown): { code: string; message: string } {
  if (error instanceof CroupierError) return { code: error.code, message: error.message };
  return { code: 'MIRROR_FAILED', message: error instanceof Error ? error.message : String(error) };
}
