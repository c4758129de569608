import { CHAIN_TOPIC, CONTRACTS_TOPIC } from '../contracts/encoding/message.ts';
import type { Bus } from '../platform/bus/bus.ts';
import type { Rpc } from '../platform/chain/rpc.ts';
import type { Clock } from '../platform/clock.ts';
import type { Crash } from '../platform/crash.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { TableDefinition, Warehouse } from '../platform/warehouse/warehouse.ts';
import type { Continuity } from './continuity.ts';
import type { Decoder } from './decode.ts';
import type { EventSpec } from './events.ts';
import type { FinalityPolicy } from './finality.ts';
import type { Fence } from './lease.ts';
import type { IndexerDatabase } from './schema.ts';

/** A source of steps: its name is the first column of the indexer's keys, its events go to `topic`. */
export interface Stream {
  readonly name: string;
  readonly topic: string;
}

/** The Treasury and the BetBook. */
export const CHAIN_STREAM: Stream = { name: 'chain', topic: CHAIN_TOPIC };
/** A further contract, which is a deployment of its own: a long backfill never delays bets. */
export const CONTRACTS_STREAM: Stream = { name: 'contracts', topic: CONTRACTS_TOPIC };

/** The deployment that is indexed. */
export interface IndexedDeployment {
  /** Its id: 0x and 32 hex digits. */
  readonly deployment: string;
  readonly chainId: number;
  readonly deployedBlock: number;
  readonly deployedBlockHash: string;
}

/** Something an operator wants to read once. */
export interface Notice {
  readonly code: string;
  readonly message: string;
}

/** What every stage works with. */
export interface IndexerContext {
  readonly stream: Stream;
  readonly deployment: IndexedDeployment;
  readonly journal: Journal<IndexerDatabase>;
  readonly warehouse: Warehouse;
  readonly bus: Bus;
  readonly rpc: Rpc;
  readonly clock: Clock;
  readonly crash: Crash;
  readonly specs: readonly EventSpec[];
  readonly tables: readonly TableDefinition[];
  readonly decoder: Decoder;
  /** Of the bus topic; a power of two. */
  readonly partitions: number;
  readonly finality: FinalityPolicy;
  /** A chain that can be reverted and reset at will: below final it is rebuilt, not judged. */
  readonly devChain: boolean;
  readonly fence: Fence;
  readonly onNotice: (notice: Notice) => void;
}

/** A block by number and hash. */
export interface BlockRef {
  readonly number: number;
  readonly hash: string;
}

/** Where the stream stands, as the journal has it. */
export interface StreamState {
  readonly epoch: number;
  /** The last defined step. */
  readonly step: number;
  /** Null before the first indexed block. */
  readonly tip: BlockRef | null;
  /** Null before the first finality step of the epoch. */
  readonly final: BlockRef | null;
  readonly nextN: readonly number[];
  readonly continuity: Continuity;
}
