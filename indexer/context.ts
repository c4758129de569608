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

/** Name of the stream of our own contracts: first column of the indexer's keys. */
export const STREAM = 'chain';

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
