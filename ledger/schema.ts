import type { Generated } from 'kysely';

/**
 * The ledger's tables. Money is a decimal string in the token's smallest unit (SQLite's numbers lose
 * digits); no SQL arithmetic on it. Keys and hashes are bytes. Times are milliseconds unless `S`.
 * Names here are the SQL names.
 */
export interface LedgerDatabase {
  deployment: DeploymentTable;
  provider: ProviderTable;
  session: SessionTable;
  account: AccountTable;
  bank: BankTable;
  bank_day: BankDayTable;
  entry: EntryTable;
  request: RequestTable;
  bet: BetTable;
  intent: IntentTable;
  landing: LandingTable;
  item: ItemTable;
  lane: LaneTable;
  open_bet: OpenBetTable;
  slot: SlotTable;
  call: CallTable;
  transaction: TransactionTable;
  outbox: OutboxTable;
  position: PositionTable;
  lease: LeaseTable;
  alert: AlertTable;
}

/** (chain id, BetBook address, hash of the block that deployed it), named by the first 16 bytes of its hash in hex. */
export interface DeploymentTable {
  deployment: string;
  chain_id: number;
  bet_book: string;
  treasury: string;
  token: string;
  token_decimals: number;
  deployed_block: number;
  deployed_block_hash: string;
  operator: string;
  operator_no: number;
  shards: number;
  /** Partitions of the deployment's bus stream: a power of two, at most `shards`. */
  partitions: number;
  notice_s: number;
  /** `active`: in use. `rebuilding`: its chain state is being folded anew. `retired`: readable only. */
  state: 'active' | 'rebuilding' | 'retired';
  /** Epoch of the stream that the chain state was folded from. */
  epoch: number;
  created_ms: number;
}

/** A provider's credential and settings. */
export interface ProviderTable {
  provider: string;
  brand: string;
  key_id: string;
  /** Shared secret of hmac-sha256, hex. Never logged. */
  secret: string;
  deployment: string;
  bank: number;
  play_window_ms: number;
  due_ms: number;
}

export interface SessionTable {
  /** SHA-256 of the token. */
  token_hash: Uint8Array;
  deployment: string;
  provider: string;
  brand: string;
  player: string;
  expires_ms: number;
}

/** A player's seat with the operator. `spendable` = max(0, chain_balance − unfinal_credits + pending). */
export interface AccountTable {
  deployment: string;
  player: string;
  chain_balance: string;
  /** Foreign credits (grants) that were seen and are not final. */
  unfinal_credits: string;
  /** Σ of the deltas of the intents that have not landed. */
  pending: string;
  spendable: string;
  max_stake: string;
  /** The seat ends then; seconds. */
  ends_at_s: number;
  grant_no: number;
  /** What may still be topped up during the grant. */
  top_up_left: string;
  /** Number of the player's last intent. */
  player_seq: number;
  /** Rises with every write of the row: of two readings the one with the higher version is newer. */
  version: number;
}

/**
 * A bank. headroom = bankroll − reserved − exiting − unfinal_gains − hold. Its limits are those of the
 * contract: what was lowered counts at once, what was raised is announced until it is ready.
 */
export interface BankTable {
  deployment: string;
  bank: number;
  bankroll: string;
  reserved: string;
  locked: string;
  /** Asked to leave the bankroll: it backs no new bet. */
  exiting: string;
  /** From then on it may leave; 0: nothing is exiting. Seconds. */
  exit_at_s: number;
  /** What events that are not final added to headroom: profits, deposits, freed reserves. */
  unfinal_gains: string;
  /** The part of it that no bet brought: deposits, exits that were taken back. */
  unfinal_funds: string;
  /** Σ of the worst cases of the intents that have not landed. */
  hold: string;
  /** The part of it that credits hold. */
  credit_hold: string;
  max_payout: string;
  stop_loss: string;
  day_won: string;
  day_credit: string;
  max_horizon_s: number;
  /** JSON of the limits that count from `limits_ready_at_s` on, in place of these; null: none. */
  announced: string | null;
  limits_ready_at_s: number;
  paused_until_s: number;
  /** The UTC day (days since the epoch) for which it is halted; null: it is not. */
  halted_day: number | null;
}

/**
 * What the bets of one partition did to a bank in one UTC day (days since the epoch, by block time).
 * `loss` is the drawdown as if these were its only bets: its sum over the partitions is never below
 * that of the contract, which sees all of them in one order.
 */
export interface BankDayTable {
  deployment: string;
  bank: number;
  partition: number;
  day: number;
  loss: string;
  /** Σ of net wins; with those of the other partitions it is the contract's. */
  won: string;
  /** Σ of credits, likewise. */
  credited: string;
}

/**
 * Append-only. In an epoch each account's balance is the sum of its entries' amounts. `account` is
 * `seat:<address>`, `bankroll:<bank>`, `reserved:<bank>`, `locked:<bank>` or `exiting:<bank>`; an event
 * has at most one for each. A retraction appends the negative.
 */
export interface EntryTable {
  entry: Generated<number>;
  deployment: string;
  epoch: number;
  partition: number;
  n: number;
  account: string;
  /** Solidity name of the event. */
  event: string;
  event_id: string;
  /** −1: it takes back what the same event did. */
  sign: number;
  amount: string;
  /** What of it counts only once final: the rise of a seat by a grant, of a bank's headroom. */
  gain: string;
  block_number: number;
  /** Seconds since the epoch. */
  block_time_s: number;
  tx_hash: string;
  /** 1 once final and its rise counts everywhere. Not part of the entry's meaning: derived from the watermark. */
  final: number;
  /** JSON: what the event replaced and a retraction restores (limits, a drawdown). */
  previous: string | null;
}

/** What a provider sent and got. Only what was accepted or finally refused is kept. */
export interface RequestTable {
  /** SHA-256 over the length-prefixed (provider, brand, Idempotency-Key). */
  request_key: Uint8Array;
  deployment: string;
  provider: string;
  brand: string;
  /** SHA-256 over the length-prefixed (provider, brand, txId): one txId belongs to one request. */
  tx_key: Uint8Array;
  idempotency_key: string;
  /** SHA-256 of the canonical request: same key and other fingerprint is a conflict. */
  fingerprint: Uint8Array;
  /** The body as received, but for the session's token, whose SHA-256 stands there; and its signature header. */
  body: string;
  signature: string;
  answer_status: number;
  /** JSON as answered. */
  answer_body: string;
  received_ms: number;
}

/** Keyed by the bet's own transaction id; made by the bet or by a void that came before it. */
export interface BetTable {
  deployment: string;
  /** SHA-256 over the length-prefixed (provider, brand, txId of the bet). */
  bet_key: Uint8Array;
  /** `expired`: the page ended after its due time, before a result was accepted. */
  state: 'open' | 'settled' | 'voided' | 'expired' | 'tombstone';
  provider: string;
  brand: string;
  tx_id: string;
  player: string;
  game: string;
  round: string;
  bank: number;
  stake: string;
  max_payout: string;
  /** Payout once settled. */
  payout: string | null;
  /** Set when the bet was planned as a page: its place and what its preimage holds. */
  slot: number | null;
  lane: number | null;
  seq: number | null;
  due_s: number | null;
}

export type IntentKind = 'bet' | 'win' | 'void' | 'credit';
/**
 * `rejected`: seen refused, not final: its debit still counts, its credit does not.
 * `displaced`: another item stood at its number; planned again under a new one once that is final.
 */
export type IntentState =
  | 'pending'
  | 'planned'
  | 'landed'
  | 'final'
  | 'rejected'
  | 'rejected_final'
  | 'displaced';

export interface IntentTable {
  intent: Generated<number>;
  deployment: string;
  /** SHA-256 over the length-prefixed (provider, brand, txId); unique in a deployment. */
  tx_key: Uint8Array;
  tx_id: string;
  request_key: Uint8Array;
  bet_key: Uint8Array;
  kind: IntentKind;
  player: string;
  player_seq: number;
  lane: number;
  bank: number;
  /** Stake of a bet, payout of a win, amount of a credit, stake returned by a void. */
  amount: string;
  /** First 16 bytes of HMAC-SHA256(refKey, length-prefixed provider, brand, txId, part), hex; unique in a deployment. */
  ref: string;
  /** What it does to the player's seat. */
  delta: string;
  /** What it holds of the bank's headroom until it lands; of a win that is played with its bet ≤ 0. */
  hold: string;
  state: IntentState;
  attempt: number;
  /** Number that carries its current attempt; null while pending. */
  seq: number | null;
  /** A bet without a result is not planned before this. */
  plan_after_ms: number;
  accepted_ms: number;
  /** Where it landed (or was rejected). */
  landed_block: number | null;
  landed_tx: string | null;
  rejection_code: number | null;
}

/** Which number carries which attempt of an intent. UNIQUE (deployment, intent, attempt). */
export interface LandingTable {
  deployment: string;
  intent: number;
  attempt: number;
  lane: number;
  seq: number;
}

/** A unit with its number. Its bytes are fixed before anything is sent. */
export interface ItemTable {
  deployment: string;
  lane: number;
  seq: number;
  /** The canonical encoding of the one unit (`contracts/encoding/batch.ts`). */
  bytes: Uint8Array;
  /** keccak(lane, seq, hashes of its canonical requests with their signatures, in order). */
  evidence_leaf: Uint8Array;
  /** `closed`: landed or refused on chain. `final`: for good. */
  state: 'planned' | 'closed' | 'final';
  closed_block: number | null;
}

/** Lanes are numbered by shard: the operator is the deployment's. */
export interface LaneTable {
  deployment: string;
  lane: number;
  /** The number that the next planned unit gets. Numbers start at 0. */
  next_seq: number;
}

/** A page's place in a lane; reused only when its closing is final. */
export interface SlotTable {
  deployment: string;
  lane: number;
  slot: number;
  state: 'busy' | 'free';
  /** Number of the OPEN that last took it. */
  open_seq: number;
  /** Number of the SETTLE or OPEN whose finality frees it. */
  closing_seq: number | null;
  /** Block in which its page expired, whose finality frees it too. */
  expired_block: number | null;
}

/** A bet that the chain opened, by its number: what its settlement releases. Kept once settled. */
export interface OpenBetTable {
  deployment: string;
  lane: number;
  seq: number;
  player: string;
  bank: number;
  stake: string;
  /** maxPayout − stake. */
  profit: string;
}

/** Work outside lanes (deposits by permit, grants), idempotent by its own contract nonce. */
export interface CallTable {
  call: Generated<number>;
  deployment: string;
  /** What it is, unique in a deployment: the same request again is the same call. */
  call_key: string;
  to: string;
  data: string;
  /** A call is sent after the one it depends on is done. */
  after_call: number | null;
  state: 'pending' | 'sent' | 'done' | 'failed';
  /** Why it failed, from the contract. */
  error: string | null;
  created_ms: number;
}

/** Every transaction ever signed. UNIQUE (chain_id, signer, nonce, hash). */
export interface TransactionTable {
  chain_id: number;
  signer: string;
  nonce: number;
  hash: string;
  deployment: string;
  raw: string;
  /** Of a batch: its lane and [first_seq, next_seq). */
  lane: number | null;
  first_seq: number | null;
  next_seq: number | null;
  /** Of a call outside lanes. */
  call: number | null;
  state: 'signed' | 'mined' | 'final' | 'superseded';
  block_number: number | null;
  /** 1 success, 0 reverted. */
  status: number | null;
  gas_used: number | null;
  signed_ms: number;
}

/** Events of the gateway on their way to the bus; marked, not deleted, once published. */
export interface OutboxTable {
  outbox: Generated<number>;
  deployment: string;
  topic: string;
  partition: number;
  key: string;
  value: string;
  published: number;
}

/** How far a consumer has applied a partition. */
export interface PositionTable {
  consumer: string;
  topic: string;
  deployment: string;
  partition: number;
  epoch: number;
  n: number;
  /** Broker offset of the next message to read. */
  next_offset: number;
  /** Highest final block that this epoch's messages named. */
  final_block: number | null;
}

export interface LeaseTable {
  lease: string;
  holder: string;
  /** Rises with every new holder; every write under the lease checks it. */
  fence: number;
  expires_ms: number;
}

/** Things that an operator has to look at, counted by code: so it stays small whatever happens. */
export interface AlertTable {
  deployment: string;
  code: string;
  count: number;
  /** Of the last one. */
  event_id: string;
  detail: string;
  updated_ms: number;
}
