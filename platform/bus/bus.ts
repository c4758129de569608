/** A message to publish. The value is a JSON text; the partition is always explicit. */
export interface BusRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A message as stored: offsets start at 0 in each partition and have no gaps. */
export interface BusMessage extends BusRecord {
  readonly offset: number;
  readonly timestampMs: number;
}

/** At least once, ordered in a partition, replayable from any offset. */
export interface Bus {
  /**
   * Creates the topic, or checks that it has this many partitions.
   * @throws CroupierError `BUS_PARTITIONS_DIFFER` (fatal)
   */
  ensureTopic(topic: string, partitions: number): Promise<void>;
  /** Resolves once all records are durable, in the order given. All or a prefix survives a crash. */
  publish(records: readonly BusRecord[]): Promise<void>;
  /**
   * Up to `max` messages from `offset` on. Waits up to `waitMs` while there is none, then answers an
   * empty list.
   * @throws CroupierError `BUS_OFFSET_OUT_OF_RANGE` (fatal) beyond the end or before the first kept
   */
  read(args: {
    topic: string;
    partition: number;
    offset: number;
    max: number;
    waitMs: number;
    signal?: AbortSignal;
  }): Promise<BusMessage[]>;
  /** The offset that the next message of the partition will get. */
  endOffset(topic: string, partition: number): Promise<number>;
  close(): Promise<void>;
}
