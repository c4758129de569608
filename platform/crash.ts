/**
 * The places where a process that dies is most dangerous: between a durable effect and the note of
 * it. The crash test kills the whole process at each of them (`tests/crash.test.ts`).
 */
export const CRASH_POINTS = [
  /** A request is authenticated; nothing is written. */
  'gateway.received',
  /** The request is committed; the provider has no answer. */
  'accept.committed',
  /** Outbox rows are on the bus; they are not marked as published. */
  'outbox.published',
  /** Items have numbers and bytes; nothing is signed. */
  'plan.committed',
  /** A signed transaction is persisted; it was never sent. */
  'send.persisted',
  /** The node took the transaction; the sender does not know. */
  'send.sent',
  /** A call outside lanes was sent; its row says planned. */
  'call.sent',
  /** A step is defined; no sink has seen it. */
  'step.defined',
  /** The warehouse has one table of a step, not the others. */
  'warehouse.table',
  /** The warehouse has the whole step; its cursor does not say so. */
  'warehouse.inserted',
  /** The bus has the step's messages; its cursor does not say so. */
  'bus.published',
  /** Chain events are written in the mirror's transaction, which is not committed. */
  'mirror.writing',
  /** The mirror's transaction is committed; nothing after it ran. */
  'mirror.committed',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

/** Called at each crash point. In production it does nothing; in the crash test it may not return. */
export type Crash = (point: CrashPoint) => void;

export const noCrash: Crash = () => {};
