import type { Bus, BusMessage } from '../../platform/bus/bus.ts';
import type { ChainLog } from './chainLogs.ts';
import type { Mismatches } from './mismatch.ts';

const TOPIC = 'croupier.chain';
const READ_MAX = 1_000;

/** The type that each event's message has. */
const TYPES: Readonly<Record<string, string>> = {
  Played: 'bet.played',
  Opened: 'bet.placed',
  Settled: 'bet.settled',
  Voided: 'bet.voided',
  Credited: 'bet.credited',
  OpenRejected: 'bet.rejected',
  Rejected: 'bet.rejected',
  Expired: 'bet.expired',
  Closed: 'page.closed',
  RoundFinalized: 'round.finalized',
  BatchApplied: 'batch.applied',
  SeatFunded: 'seat.movement',
  SeatEnding: 'seat.movement',
  SeatSwept: 'seat.movement',
  ToppedUp: 'seat.movement',
  Released: 'seat.movement',
  Deposited: 'treasury.movement',
  Withdrawn: 'treasury.movement',
  Allowed: 'treasury.movement',
  Pulled: 'treasury.movement',
  Pushed: 'treasury.movement',
  BankFunded: 'bank.movement',
  BankOpened: 'bank.movement',
  ExitRequested: 'bank.movement',
  ExitCancelled: 'bank.movement',
  BankExited: 'bank.movement',
  OperatorRegistered: 'operator.change',
  AdminNamed: 'operator.change',
  AdminSet: 'operator.change',
  GuardianNamed: 'operator.change',
  GuardianSet: 'operator.change',
  ExecutorSet: 'operator.change',
  BankAdminNamed: 'operator.change',
  BankAdminSet: 'operator.change',
  PayoutSet: 'operator.change',
  LimitsSet: 'operator.change',
  Halted: 'operator.change',
  Resumed: 'operator.change',
  Paused: 'operator.change',
};

/** A message as a consumer sees it. */
interface Seen {
  readonly name: string;
  readonly message: BusMessage;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * Replays the bus from offset 0 as any consumer would, dropping what was delivered twice, and compares
 * it with the logs of the node up to `finalBlock`: each event counts once, in its player's partition,
 * with every field as in the log; no position is missing; finality reached the block in every
 * partition. Resolves to the ids of the events that count.
 */
export async function auditBus(
  args: {
    bus: Bus;
    partitions: number;
    deployment: string;
    logs: readonly ChainLog[];
    finalBlock: number;
  },
  mismatches: Mismatches,
): Promise<ReadonlySet<string>> {
  const logs = new Map(args.logs.map((log) => [log.id, log]));
  const nets = new Map<string, number>();
  for (let partition = 0; partition < args.partitions; partition++) {
    let final = 0;
    for (const seen of await readPartition(args, partition, mismatches)) {
      const { value, name } = seen;
      const check = (field: string, expected: unknown, got: unknown): boolean => {
        return mismatches.check({ store: 'bus', key: name, field }, expected, got);
      };
      for (const header of ['deployment', 'epoch', 'step', 'n', 'id', 'sign', 'type']) {
        check(`header ${header}`, value[header], seen.message.headers[header]);
      }
      if (value.type === 'finality') {
        final = Math.max(final, Number(value.blockNumber));
        continue;
      }
      const id = String(value.id);
      nets.set(id, (nets.get(id) ?? 0) + Number(value.sign));
      const log = logs.get(id);
      if (log) checkFields(log, value, seen.message.partition, args.partitions, check);
    }
    const key = `${TOPIC}/${partition}`;
    const at = { store: 'bus', key, field: 'final' } as const;
    mismatches.check(at, true, final >= args.finalBlock);
  }
  const events = new Set<string>();
  for (const [id, net] of nets) {
    const log = logs.get(id);
    // What is not final may still change on either side.
    if (log && log.blockNumber > args.finalBlock) continue;
    const at = { store: 'bus', key: id, field: 'sum of sign' } as const;
    if (mismatches.check(at, log ? 1 : 0, net)) events.add(id);
  }
  for (const { id, event, blockNumber } of args.logs) {
    if (blockNumber > args.finalBlock || nets.has(id)) continue;
    mismatches.check({ store: 'bus', key: id, field: 'message' }, event, 'missing');
  }
  return events;
}

/** The deployment's messages of the highest epoch, each position once, checked to have no gap. */
async function readPartition(
  args: { bus: Bus; deployment: string },
  partition: number,
  mismatches: Mismatches,
): Promise<Seen[]> {
  const end = await args.bus.endOffset(TOPIC, partition);
  let epoch = 0;
  let seen = new Map<number, Seen>();
  for (let offset = 0; offset < end; ) {
    const messages = await args.bus.read({
      topic: TOPIC,
      partition,
      offset,
      max: READ_MAX,
      waitMs: 0,
    });
    if (messages.length === 0) break;
    offset += messages.length;
    for (const message of messages) {
      const name = `${TOPIC}/${partition}@${message.offset}`;
      const at = (field: string) => ({ store: 'bus', key: name, field }) as const;
      const value = readObject(message.value);
      if (!value) mismatches.check(at('value'), 'JSON', message.value.slice(0, 80));
      if (!value || value.deployment !== args.deployment) continue;
      mismatches.check(at('partition'), partition, value.partition);
      if (Number(value.epoch) < epoch) continue;
      if (Number(value.epoch) > epoch) seen = new Map();
      epoch = Number(value.epoch);
      const n = Number(value.n);
      const known = seen.get(n);
      if (known) mismatches.check(at(`repetition of n ${n}`), known.message.value, message.value);
      else seen.set(n, { name, message, value });
    }
  }
  const numbers = [...seen.keys()].sort((a, b) => a - b);
  const gap = numbers.findIndex((n, index) => n !== index + 1);
  const key = `${TOPIC}/${partition}`;
  mismatches.check({ store: 'bus', key, field: 'first position after a gap' }, -1, gap);
  return [...seen.values()];
}

function checkFields(
  log: ChainLog,
  value: Readonly<Record<string, unknown>>,
  partition: number,
  partitions: number,
  check: (field: string, expected: unknown, got: unknown) => boolean,
): void {
  check('type', TYPES[log.event], value.type);
  const fields = [
    'contract',
    'event',
    'blockNumber',
    'blockHash',
    'blockTime',
    'txHash',
    'logIndex',
  ] as const;
  for (const field of fields) check(field, log[field], value[field]);
  const args: Readonly<Record<string, unknown>> = Object.assign({}, value.args);
  for (const [name, arg] of Object.entries(log.args)) check(`args.${name}`, arg, args[name]);
  check('number of args', Object.keys(log.args).length, Object.keys(args).length);
  check('partition of the event', partitionOf(log, partitions), partition);
}

/** A player's events by the player, a lane's and a page's by the shard, all others in the first. */
function partitionOf({ args }: ChainLog, partitions: number): number {
  const mask = BigInt(partitions - 1);
  if (typeof args.player === 'string' && BigInt(args.player) !== 0n) {
    return Number(BigInt(args.player) & mask);
  }
  if (typeof args.id === 'string') return Number((BigInt(args.id) >> 80n) & mask);
  if (typeof args.lane === 'string') return Number(BigInt(args.lane) & mask);
  if (typeof args.page === 'string') return Number((BigInt(args.page) >> 32n) & mask);
  return 0;
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
