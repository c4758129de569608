import type { LedgerContext } from '../ledger/ledger.ts';
import {
  GATEWAY_TOPIC,
  markPublished,
  type OutboxRow,
  unpublishedOutbox,
} from '../ledger/outbox.ts';
import type { Bus } from '../platform/bus/bus.ts';

/** Rows of one publish. */
const ROWS_MAX = 500;
/** Between publishes, so that one commit marks many rows. */
const PAUSE_MS = 100;
const ERROR_PAUSE_MIN_MS = 100;
const ERROR_PAUSE_MAX_MS = 5_000;

/** Carries what the gateway wrote into its outbox to the bus, in order and at least once. */
export interface Relay {
  /** Makes sure of the topic, then relays until `stop`. */
  start(): Promise<void>;
  /** Ends after the publish under way. */
  stop(): Promise<void>;
  /** Failures in a row: above 0 the bus or the journal is away, and rows wait. */
  status(): { failuresInRow: number };
}

/** `partitions` is the number of the topic's partitions; `onError` gets each failure. */
export function createRelay(args: {
  ledger: LedgerContext;
  bus: Bus;
  partitions: number;
  onError: (error: unknown) => void;
}): Relay {
  const { ledger, bus } = args;
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let failuresInRow = 0;

  async function relayOnce(): Promise<number> {
    const rows = await unpublishedOutbox(ledger, ROWS_MAX);
    if (rows.length === 0) return 0;
    await bus.publish(rows.map(recordOf));
    ledger.crash('outbox.published');
    await markPublished(
      ledger,
      rows.map((row) => row.outbox),
    );
    return rows.length;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const relayed = await relayOnce();
        failuresInRow = 0;
        if (relayed < ROWS_MAX) await pause(PAUSE_MS);
      } catch (error) {
        failuresInRow++;
        args.onError(error);
        const pauseMs = ERROR_PAUSE_MIN_MS * 2 ** Math.min(failuresInRow - 1, 10);
        await pause(Math.min(pauseMs, ERROR_PAUSE_MAX_MS));
      }
    }
  }

  async function pause(durationMs: number): Promise<void> {
    await ledger.clock.sleep(durationMs, stopping.signal);
  }

  return {
    start: async () => {
      await bus.ensureTopic(GATEWAY_TOPIC, args.partitions);
      running = run();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
    status: () => ({ failuresInRow }),
  };
}

function recordOf(row: OutboxRow): Parameters<Bus['publish']>[0][number] {
  return {
    topic: row.topic,
    partition: row.partition,
    key: row.key,
    value: row.value,
    headers: { deployment: row.deployment, type: typeOf(row) },
  };
}

function typeOf(row: OutboxRow): string {
  const value: unknown = JSON.parse(row.value);
  if (typeof value === 'object' && value !== null && 'type' in value) return String(value.type);
  throw new TypeError(`outbox row ${row.outbox} has no type`);
}
