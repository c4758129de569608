import type { Deployment } from '../ledger/deployments.ts';
import type { LedgerContext } from '../ledger/ledger.ts';
import type { Bet, Intent } from '../ledger/reads.ts';
import { CroupierError } from '../platform/errors.ts';
import type { Warehouse } from '../platform/warehouse/warehouse.ts';
import { eventsOfRefs, expiriesOf, type TracedEvent } from './tracedEvents.ts';

/** The way of one action of a bet, hop by hop; a hop that it has not reached is null. */
export interface TracedAction {
  readonly action: Intent['kind'];
  readonly txId: string;
  readonly ref: string;
  readonly request: { idempotencyKey: string; receivedAt: string; status: number } | null;
  readonly intent: { state: Intent['state']; attempt: number; delta: string; acceptedAt: string };
  readonly item: { lane: number; seq: number; state: string } | null;
  readonly transaction: {
    hash: string;
    signer: string;
    nonce: number;
    block: number | null;
    gasUsed: number | null;
  } | null;
  readonly events: readonly TracedEvent[];
  readonly entries: readonly { account: string; amount: string; n: number; partition: number }[];
  readonly final: boolean;
}

export interface Trace {
  readonly deployment: string;
  readonly deploymentState: string;
  readonly bet: {
    txId: string;
    provider: string;
    brand: string;
    game: string;
    round: string;
    player: string;
    bank: number;
    state: Bet['state'];
    stake: string;
    maxPayout: string;
    payout: string | null;
  };
  /** Who can sign for the player: the exit that nobody can stop holds for keys of their own only. */
  readonly keys: 'own';
  readonly actions: readonly TracedAction[];
  /** What ended its page after the due time, if anything did. */
  readonly expiries: readonly TracedEvent[];
}

/**
 * The way of the bet that `id` names: the txId of it or of one of its actions, or a ref from an
 * event. Newer deployments are looked at first.
 * @throws CroupierError `TRACE_UNKNOWN_ID` (final)
 */
export async function traceBet(
  context: LedgerContext,
  warehouse: Warehouse,
  id: string,
): Promise<Trace> {
  const { read } = context.journal;
  const named = await read
    .selectFrom('intent')
    .innerJoin('deployment', 'deployment.deployment', 'intent.deployment')
    .select(['intent.deployment', 'intent.bet_key'])
    .where((where) => where.or([where('tx_id', '=', id), where('ref', '=', id.toLowerCase())]))
    .orderBy('deployment.created_ms', 'desc')
    .executeTakeFirst();
  const bet =
    named &&
    (await read
      .selectFrom('bet')
      .selectAll()
      .where('deployment', '=', named.deployment)
      .where('bet_key', '=', named.bet_key)
      .executeTakeFirst());
  if (!bet) {
    throw new CroupierError({
      code: 'TRACE_UNKNOWN_ID',
      errorClass: 'final',
      message: `got ${id}, expected the txId of a bet or of its win or void, or a ref (0x and 32 hex digits).`,
    });
  }
  const deployment = await read
    .selectFrom('deployment')
    .selectAll()
    .where('deployment', '=', bet.deployment)
    .executeTakeFirstOrThrow();
  const intents = await read
    .selectFrom('intent')
    .selectAll()
    .where('deployment', '=', bet.deployment)
    .where('bet_key', '=', bet.bet_key)
    .orderBy('intent')
    .execute();
  const events = await eventsOfRefs(
    warehouse,
    deployment,
    intents.map((intent) => intent.ref),
  );
  return {
    deployment: bet.deployment,
    deploymentState: deployment.state,
    bet: {
      txId: bet.tx_id,
      provider: bet.provider,
      brand: bet.brand,
      game: bet.game,
      round: bet.round,
      player: bet.player,
      bank: bet.bank,
      state: bet.state,
      stake: bet.stake,
      maxPayout: bet.max_payout,
      payout: bet.payout,
    },
    keys: 'own',
    actions: await Promise.all(
      intents.map((intent) =>
        traceAction(
          context,
          intent,
          events.filter((event) => event.refs.includes(intent.ref)),
        ),
      ),
    ),
    expiries: await tracedExpiries(warehouse, deployment, bet),
  };
}

async function tracedExpiries(
  warehouse: Warehouse,
  deployment: Deployment,
  { lane, slot, seq }: Bet,
): Promise<TracedEvent[]> {
  if (lane === null || slot === null || seq === null) return [];
  return await expiriesOf(warehouse, deployment, { lane, slot, seq });
}

async function traceAction(
  context: LedgerContext,
  intent: Intent,
  events: readonly TracedEvent[],
): Promise<TracedAction> {
  const { read } = context.journal;
  const request = await read
    .selectFrom('request')
    .select(['idempotency_key', 'received_ms', 'answer_status'])
    .where('request_key', '=', intent.request_key)
    .executeTakeFirst();
  const item = await read
    .selectFrom('landing')
    .innerJoin('item', (join) =>
      join
        .onRef('item.deployment', '=', 'landing.deployment')
        .onRef('item.lane', '=', 'landing.lane')
        .onRef('item.seq', '=', 'landing.seq'),
    )
    .select(['item.lane', 'item.seq', 'item.state'])
    .where('landing.deployment', '=', intent.deployment)
    .where('landing.intent', '=', intent.intent)
    .orderBy('landing.attempt', 'desc')
    .executeTakeFirst();
  const transaction =
    item &&
    (await read
      .selectFrom('transaction')
      .select(['hash', 'signer', 'nonce', 'block_number', 'gas_used'])
      .where('deployment', '=', intent.deployment)
      .where('lane', '=', item.lane)
      .where('first_seq', '<=', item.seq)
      .where('next_seq', '>', item.seq)
      // The one that it landed by, else the newest attempt.
      .orderBy((order) => order.case().when('hash', '=', intent.landed_tx).then(0).else(1).end())
      .orderBy('signed_ms', 'desc')
      .executeTakeFirst());
  const entries = events.length
    ? await read
        .selectFrom('entry')
        .select(['account', 'amount', 'n', 'partition'])
        .where('deployment', '=', intent.deployment)
        .where(
          'event_id',
          'in',
          events.map((event) => event.id),
        )
        .orderBy('entry')
        .execute()
    : [];
  return {
    action: intent.kind,
    txId: intent.tx_id,
    ref: intent.ref,
    request: request
      ? {
          idempotencyKey: request.idempotency_key,
          receivedAt: new Date(request.received_ms).toISOString(),
          status: request.answer_status,
        }
      : null,
    intent: {
      state: intent.state,
      attempt: intent.attempt,
      delta: intent.delta,
      acceptedAt: new Date(intent.accepted_ms).toISOString(),
    },
    item: item ?? null,
    transaction: transaction
      ? {
          hash: transaction.hash,
          signer: transaction.signer,
          nonce: transaction.nonce,
          block: transaction.block_number,
          gasUsed: transaction.gas_used,
        }
      : null,
    events,
    entries,
    final: intent.state === 'final' || intent.state === 'rejected_final',
  };
}

/** The trace as lines for a person. */
export function formatTrace(trace: Trace): string[] {
  const { bet } = trace;
  const lines = [
    `bet ${bet.txId} of ${bet.provider}${bet.brand ? `/${bet.brand}` : ''}: ${bet.state}, stake ${bet.stake}, ` +
      `payout ${bet.payout ?? '–'} of at most ${bet.maxPayout}`,
    `  game ${bet.game}, round ${bet.round}, bank ${bet.bank}`,
    `  player ${bet.player} (${trace.keys} key), deployment ${trace.deployment} (${trace.deploymentState})`,
  ];
  const hop = (name: string, text: string): void => {
    lines.push(`  ${name.padEnd(12)} ${text}`);
  };
  const hopEvents = (events: readonly TracedEvent[]): void => {
    for (const event of events) {
      hop('event', `${event.event} ${event.id}${event.sign < 0 ? ', taken back' : ''}`);
      hop('warehouse', `${event.table}, step ${event.step}, n ${event.n}, block ${event.block}`);
    }
  };
  for (const action of trace.actions) {
    lines.push('', `${action.action} ${action.txId}, ref ${action.ref}`);
    if (action.request) {
      hop(
        'request',
        `${action.request.idempotencyKey} at ${action.request.receivedAt}, answered ${action.request.status}`,
      );
    }
    hop(
      'intent',
      `${action.intent.state}, attempt ${action.intent.attempt}, delta ${action.intent.delta}`,
    );
    hop(
      'item',
      action.item
        ? `lane ${action.item.lane}, seq ${action.item.seq}, ${action.item.state}`
        : 'not planned',
    );
    hop(
      'transaction',
      action.transaction
        ? `${action.transaction.hash}, nonce ${action.transaction.nonce}, block ${action.transaction.block ?? '–'}, gas ${action.transaction.gasUsed ?? '–'}`
        : 'none',
    );
    hopEvents(action.events);
    for (const entry of action.entries) {
      hop('entry', `${entry.account} ${entry.amount}, partition ${entry.partition}, n ${entry.n}`);
    }
    hop('finality', action.final ? 'final' : 'not final');
  }
  if (trace.expiries.length > 0) lines.push('', 'page expired');
  hopEvents(trace.expiries);
  return lines;
}
