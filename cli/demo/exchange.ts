import type { Address } from 'viem';
import type {
  ClientAnswer,
  NativeAction,
  NativeRequest,
  ProviderClient,
} from '../../gateway/client.ts';
import { CroupierError } from '../../platform/errors.ts';
import type { PlannedAction } from './plan.ts';
import { balanceAfter, judge, predict, type Verdict } from './predict.ts';
import type { DemoRecord, ExchangeRequest } from './record.ts';
import { createSlots, type Slots } from './slots.ts';

/** How often the client's own row of attempts is begun anew before the demo gives up: about 2 minutes. */
const ROWS_MAX = 6;
const GAME = 'dice';

/** A player at the table, with what they hold by our own book. */
export interface SeatedPlayer {
  readonly address: Address;
  /** The session's token. */
  session: string;
  balanceUnits: bigint;
  /** Number of the next request. */
  playerSeq: number;
  /** A player's requests go one after the other. */
  readonly turn: Slots;
}

/** A player as the record left them. */
export function seatPlayer(args: {
  address: Address;
  session: string;
  balanceUnits: bigint;
  playerSeq: number;
}): SeatedPlayer {
  return { ...args, turn: createSlots(1) };
}

/** Sends the provider's requests and writes down each before it goes and when its answer is there. */
export interface Exchanger {
  /**
   * Sends one action of a play in the player's turn; resolves to nothing when the demo was stopped
   * before.
   * @throws CroupierError `DEMO_UNANSWERED` (retryable) when the house keeps answering "later";
   * `GATEWAY_UNREACHABLE` (retryable)
   */
  send(args: {
    player: SeatedPlayer;
    play: number;
    step: number;
    round: string;
    action: PlannedAction;
  }): Promise<Verdict | undefined>;
  /** Sends a request of the record again, as it was; its player's next one must wait for it. */
  resend(player: SeatedPlayer, request: ExchangeRequest): Promise<Verdict>;
}

/** `openSession` gives a player whose session ran out a new one; `answered` hears of every answer. */
export function createExchanger(args: {
  client: ProviderClient;
  record: DemoRecord;
  concurrency: number;
  signal: AbortSignal;
  openSession: (player: Address) => Promise<string | undefined>;
  answered: (request: ExchangeRequest, verdict: Verdict) => void;
}): Exchanger {
  const { client, record, signal } = args;
  const places = createSlots(args.concurrency);

  async function deliver(player: SeatedPlayer, request: ExchangeRequest): Promise<Verdict> {
    let { body } = request;
    let answer = await post(body, request.idempotencyKey);
    if (answer.status === 401 && answer.text.includes('"SESSION_EXPIRED"')) {
      const session = await args.openSession(player.address);
      if (session === undefined) throw unanswered(request.idempotencyKey, answer.status);
      player.session = session;
      body = JSON.stringify({ ...JSON.parse(body), session: player.session });
      record.rewriteBody(request, body);
      answer = await post(body, request.idempotencyKey);
    }
    const verdict = judge(
      {
        outcome: request.expectedOutcome,
        balanceUnits: BigInt(request.expectedBalance),
        txId: request.txId,
        player: request.player,
      },
      { status: answer.status, body: answer.text },
    );
    const { outcome } = verdict;
    const mismatch = verdict.mismatch ?? null;
    record.writeAnswer(request, { status: answer.status, answer: answer.text, outcome, mismatch });
    player.balanceUnits = balanceAfter({ ...request, outcome });
    args.answered(request, verdict);
    return verdict;
  }

  async function post(body: string, idempotencyKey: string): Promise<ClientAnswer> {
    let answer: ClientAnswer | undefined;
    for (let row = 0; row < ROWS_MAX; row++) {
      answer = await client.request(body, idempotencyKey);
      if (answer.status < 500 && answer.status !== 429) return answer;
      // Stopped: it stays unanswered in the record, and is sent again next time.
      if (signal.aborted) break;
    }
    throw unanswered(idempotencyKey, answer?.status);
  }

  return {
    send: ({ player, play, step, round, action }) => {
      return player.turn.within(() =>
        places.within(async () => {
          if (signal.aborted) return undefined;
          const prediction = predict(player.balanceUnits, action);
          const body: NativeRequest = {
            session: player.session,
            game: GAME,
            round,
            actions: [nativeAction(action)],
          };
          const request: ExchangeRequest = {
            play,
            step,
            player: player.address,
            playerSeq: player.playerSeq,
            ...recordedAction(action),
            idempotencyKey: action.txId,
            body: JSON.stringify(body),
            expectedOutcome: prediction.outcome,
            expectedBalance: prediction.balanceUnits.toString(),
          };
          record.writeRequest(request);
          player.playerSeq += 1;
          return deliver(player, request);
        }),
      );
    },
    resend: (player, request) => {
      return player.turn.within(() => places.within(() => deliver(player, request)));
    },
  };
}

function unanswered(idempotencyKey: string, status: number | undefined): CroupierError {
  return new CroupierError({
    code: 'DEMO_UNANSWERED',
    errorClass: 'retryable',
    message: `got status ${status} for ${idempotencyKey} again and again, expected an answer that stays`,
  });
}

function nativeAction(action: PlannedAction): NativeAction {
  const { txId } = action;
  switch (action.type) {
    case 'bet': {
      const { stakeUnits, maxPayoutUnits } = action;
      return { type: 'bet', txId, stake: `${stakeUnits}`, maxPayout: `${maxPayoutUnits}` };
    }
    case 'win':
      return { type: 'win', txId, betTxId: action.betTxId, payout: `${action.payoutUnits}` };
    case 'void':
      return { type: 'void', txId, betTxId: action.betTxId };
    case 'credit':
      return { type: 'credit', txId, amount: `${action.amountUnits}` };
  }
}

/** The action as columns of the record. */
function recordedAction(action: PlannedAction) {
  const { type, txId } = action;
  switch (action.type) {
    case 'bet': {
      const { stakeUnits, maxPayoutUnits } = action;
      return { type, txId, betTxId: txId, amount: `${stakeUnits}`, maxPayout: `${maxPayoutUnits}` };
    }
    case 'win':
      return {
        type,
        txId,
        betTxId: action.betTxId,
        amount: `${action.payoutUnits}`,
        maxPayout: '',
      };
    case 'void':
      return { type, txId, betTxId: action.betTxId, amount: `${action.stakeUnits}`, maxPayout: '' };
    case 'credit':
      return { type, txId, betTxId: '', amount: `${action.amountUnits}`, maxPayout: '' };
  }
}
