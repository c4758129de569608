import { openSqliteFile } from '../../platform/sqlite.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS player (
    deployment TEXT NOT NULL, seed TEXT NOT NULL, player_no INTEGER NOT NULL,
    player TEXT NOT NULL, buy_in TEXT NOT NULL, grant_body TEXT NOT NULL, seated INTEGER NOT NULL,
    PRIMARY KEY (deployment, seed, player_no)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS play (
    deployment TEXT NOT NULL, seed TEXT NOT NULL, play INTEGER NOT NULL,
    bets INTEGER NOT NULL, done INTEGER NOT NULL,
    PRIMARY KEY (deployment, seed, play)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS exchange (
    deployment TEXT NOT NULL, seed TEXT NOT NULL, play INTEGER NOT NULL, step INTEGER NOT NULL,
    player TEXT NOT NULL, player_seq INTEGER NOT NULL, type TEXT NOT NULL,
    tx_id TEXT NOT NULL, bet_tx_id TEXT NOT NULL, amount TEXT NOT NULL, max_payout TEXT NOT NULL,
    idempotency_key TEXT NOT NULL, body TEXT NOT NULL,
    expected_outcome TEXT NOT NULL, expected_balance TEXT NOT NULL,
    status INTEGER, answer TEXT, outcome TEXT, mismatch TEXT,
    PRIMARY KEY (deployment, seed, play, step),
    UNIQUE (deployment, player, player_seq)
  ) STRICT, WITHOUT ROWID;`;

/** A player's seat as the demo asked for it. */
export interface PlayerRow {
  readonly playerNo: number;
  readonly player: string;
  readonly buyIn: string;
  /** The body of the grant as sent; sent again it is the same grant. */
  readonly grantBody: string;
  /** The house showed the buy-in as the balance. */
  readonly seated: boolean;
}

export interface PlayRow {
  readonly play: number;
  /** Bets that are to be accepted. */
  readonly bets: number;
}

/** A request as sent, with what it must lead to. */
export interface ExchangeRequest {
  readonly play: number;
  readonly step: number;
  readonly player: string;
  /** The order of a player's requests, from 0: one is sent when the one before is answered. */
  readonly playerSeq: number;
  readonly type: 'bet' | 'win' | 'void' | 'credit';
  readonly txId: string;
  /** The bet that a win or void is about; a bet's own. Empty for a credit. */
  readonly betTxId: string;
  /** Stake of a bet, payout of a win, stake that a void returns, amount of a credit. */
  readonly amount: string;
  /** Of a bet; else empty. */
  readonly maxPayout: string;
  readonly idempotencyKey: string;
  readonly body: string;
  readonly expectedOutcome: 'accepted' | 'refused';
  readonly expectedBalance: string;
}

/** The request with its answer, once there is one. */
export interface Exchange extends ExchangeRequest {
  readonly status: number | null;
  readonly answer: string | null;
  readonly outcome: 'accepted' | 'refused' | null;
  readonly mismatch: string | null;
}

/** How many bets and requests of a section were answered how. */
export interface RecordCounts {
  /** Bets. */
  readonly accepted: number;
  /** Bets. */
  readonly refused: number;
  /** Of any type. */
  readonly answered: number;
  readonly mismatches: number;
}

/** The demo's own book: what it sent and what it was answered, apart from everything that is audited. */
export interface DemoRecord {
  players(): PlayerRow[];
  /** Before the grant is sent. */
  writePlayer(row: PlayerRow): void;
  markSeated(playerNo: number): void;
  /** Before the first request of the play is sent. */
  startPlay(row: PlayRow): void;
  finishPlay(play: number): void;
  /** Plays that were started and are not done, in order. */
  unfinishedPlays(): PlayRow[];
  /** The first play that was never started. */
  nextPlay(): number;
  /** Before the request is sent. */
  writeRequest(request: ExchangeRequest): void;
  /** When a session ran out in between: the same request under the same key with another session. */
  rewriteBody(at: { play: number; step: number }, body: string): void;
  /** Before anything is done with the answer. */
  writeAnswer(
    at: { play: number; step: number },
    answer: { status: number; answer: string; outcome: string; mismatch: string | null },
  ): void;
  exchangesOf(play: number): Exchange[];
  /** The last request of each player: its expected balance is what the player holds. */
  lastExchanges(): Exchange[];
  counts(): RecordCounts;
  close(): void;
}

/** Opens the section of one deployment and seed in the record at `path`, which is made if missing. */
export function openDemoRecord(args: {
  path: string;
  deployment: string;
  seed: string;
}): DemoRecord {
  const { deployment, seed } = args;
  const database = openSqliteFile(args.path, { readOnly: false });
  // Survives the death of the process, if not of the machine: a sync per request, in the process
  // that also serves it, would be most of the time of a bet.
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec(SCHEMA);

  const where = 'deployment = ? AND seed = ?';
  const selectPlayers = database.prepare(
    `SELECT player_no AS playerNo, player, buy_in AS buyIn, grant_body AS grantBody, seated
     FROM player WHERE ${where} ORDER BY player_no`,
  );
  const insertPlayer = database.prepare('INSERT INTO player VALUES (?, ?, ?, ?, ?, ?, ?)');
  const updateSeated = database.prepare(
    `UPDATE player SET seated = 1 WHERE ${where} AND player_no = ?`,
  );
  const insertPlay = database.prepare('INSERT INTO play VALUES (?, ?, ?, ?, 0)');
  const updatePlay = database.prepare(`UPDATE play SET done = 1 WHERE ${where} AND play = ?`);
  const selectUnfinished = database.prepare(
    `SELECT play, bets FROM play WHERE ${where} AND done = 0 ORDER BY play`,
  );
  const selectNext = database.prepare(
    `SELECT coalesce(max(play) + 1, 0) AS next FROM play WHERE ${where}`,
  );
  const insertExchange = database.prepare(
    `INSERT INTO exchange VALUES (${Array(15).fill('?').join(', ')}, NULL, NULL, NULL, NULL)`,
  );
  const updateBody = database.prepare(
    `UPDATE exchange SET body = ? WHERE ${where} AND play = ? AND step = ?`,
  );
  const updateAnswer = database.prepare(
    `UPDATE exchange SET status = ?, answer = ?, outcome = ?, mismatch = ?
     WHERE ${where} AND play = ? AND step = ?`,
  );
  const selectOfPlay = database.prepare(
    `${SELECT_EXCHANGE} WHERE ${where} AND play = ? ORDER BY step`,
  );
  const selectLast = database.prepare(
    `${SELECT_EXCHANGE} WHERE ${where} AND (player, player_seq) IN (
       SELECT player, max(player_seq) FROM exchange WHERE ${where} GROUP BY player)`,
  );
  const selectCounts = database.prepare(
    `SELECT count(*) FILTER (WHERE type = 'bet' AND outcome = 'accepted') AS accepted,
            count(*) FILTER (WHERE type = 'bet' AND outcome = 'refused') AS refused,
            count(outcome) AS answered, count(mismatch) AS mismatches
     FROM exchange WHERE ${where}`,
  );

  return {
    players: () => {
      return selectPlayers
        .all(deployment, seed)
        .map((row) => ({ ...(row as unknown as PlayerRow), seated: row.seated === 1 }));
    },
    writePlayer: (row) => {
      const { playerNo, player, buyIn, grantBody, seated } = row;
      insertPlayer.run(deployment, seed, playerNo, player, buyIn, grantBody, seated ? 1 : 0);
    },
    markSeated: (playerNo) => {
      updateSeated.run(deployment, seed, playerNo);
    },
    startPlay: ({ play, bets }) => {
      insertPlay.run(deployment, seed, play, bets);
    },
    finishPlay: (play) => {
      updatePlay.run(deployment, seed, play);
    },
    unfinishedPlays: () => selectUnfinished.all(deployment, seed) as unknown as PlayRow[],
    nextPlay: () => Number(selectNext.get(deployment, seed)?.next ?? 0),
    writeRequest: (request) => {
      insertExchange.run(
        ...[deployment, seed, request.play, request.step, request.player, request.playerSeq],
        ...[request.type, request.txId, request.betTxId, request.amount, request.maxPayout],
        ...[request.idempotencyKey, request.body],
        ...[request.expectedOutcome, request.expectedBalance],
      );
    },
    rewriteBody: ({ play, step }, body) => {
      updateBody.run(body, deployment, seed, play, step);
    },
    writeAnswer: ({ play, step }, { status, answer, outcome, mismatch }) => {
      updateAnswer.run(status, answer, outcome, mismatch, deployment, seed, play, step);
    },
    exchangesOf: (play) => selectOfPlay.all(deployment, seed, play) as unknown as Exchange[],
    lastExchanges: () => {
      return selectLast.all(deployment, seed, deployment, seed) as unknown as Exchange[];
    },
    counts: () => ({ ...(selectCounts.get(deployment, seed) as unknown as RecordCounts) }),
    close: () => database.close(),
  };
}

const SELECT_EXCHANGE = `
  SELECT play, step, player, player_seq AS playerSeq, type, tx_id AS txId, bet_tx_id AS betTxId,
    amount, max_payout AS maxPayout, idempotency_key AS idempotencyKey, body,
    expected_outcome AS expectedOutcome, expected_balance AS expectedBalance,
    status, answer, outcome, mismatch
  FROM exchange`;

/** All that was ever sent on a deployment, whatever the seed: each player's requests in their order. */
export function readExchanges(args: { path: string; deployment: string }): Exchange[] {
  const database = openSqliteFile(args.path, { readOnly: true });
  try {
    return database
      .prepare(`${SELECT_EXCHANGE} WHERE deployment = ? ORDER BY player, player_seq`)
      .all(args.deployment) as unknown as Exchange[];
  } finally {
    database.close();
  }
}

/** The players of a deployment with what they bought in, whatever the seed. */
export function readPlayers(args: {
  path: string;
  deployment: string;
}): Pick<PlayerRow, 'player' | 'buyIn'>[] {
  const database = openSqliteFile(args.path, { readOnly: true });
  try {
    return database
      .prepare('SELECT player, buy_in AS buyIn FROM player WHERE deployment = ?')
      .all(args.deployment) as unknown as PlayerRow[];
  } finally {
    database.close();
  }
}
