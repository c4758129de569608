import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Action, Answer, CanonicalRequest } from '../../ledger/request.ts';
import { findSession, type Session } from '../../ledger/sessions.ts';
import { storedAnswer } from '../../ledger/storedAnswer.ts';
import { CroupierError } from '../../platform/errors.ts';
import { type SignedRequest, signedOf } from '../auth/requireSignature.ts';
import type { GatewayContext } from '../context.ts';
import { addResource, contentTypeOf } from '../http.ts';
import { amountSchema, nameSchema, parseBody, textOf } from './body.ts';

const actionSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('bet'),
    txId: nameSchema,
    stake: amountSchema,
    maxPayout: amountSchema,
  }),
  z.strictObject({
    type: z.literal('win'),
    txId: nameSchema,
    betTxId: nameSchema,
    payout: amountSchema,
  }),
  z.strictObject({ type: z.literal('void'), txId: nameSchema, betTxId: nameSchema }),
  z.strictObject({ type: z.literal('credit'), txId: nameSchema, amount: amountSchema }),
]);

const requestSchema = z.strictObject({
  session: nameSchema,
  game: nameSchema,
  round: nameSchema,
  actions: z.tuple([actionSchema]),
});

/** `POST /v1/requests`: a provider's bets, wins, voids and credits. */
export function requestRoutes(app: FastifyInstance, context: GatewayContext): void {
  addResource(app, 'POST', '/v1/requests', async (request, reply) => {
    const signed = signedOf(request);
    const text = textOf(signed.body);
    const body = parseBody(requestSchema, text);
    const session = await sessionOf(context, body.session, signed);
    const canonical: CanonicalRequest = {
      deployment: session.deployment,
      provider: session.provider,
      brand: session.brand,
      idempotencyKey: signed.idempotencyKey,
      player: session.player,
      game: body.game,
      round: body.round,
      action: actionOf(body.actions[0]),
      received: {
        body: withoutToken(text, body),
        signature: signed.signature,
        atMs: context.ledger.clock.nowMs(),
      },
    };
    context.ledger.crash('gateway.received');
    const answer = await answerOf(context, session, canonical);
    return reply
      .status(answer.status)
      .header('content-type', contentTypeOf(answer.status))
      .send(answer.body);
  });
}

/** The body as received, but for the token, which is a secret: its SHA-256 stands there instead. */
function withoutToken(text: string, body: z.output<typeof requestSchema>): string {
  const session = `sha256:${createHash('sha256').update(body.session).digest('hex')}`;
  const masked = text.replace(`"${body.session}"`, `"${session}"`);
  // JSON has other ways to write the same string; such a body is written anew.
  return JSON.parse(masked).session === session
    ? masked
    : JSON.stringify({ ...JSON.parse(text), session });
}

async function sessionOf(
  context: GatewayContext,
  token: string,
  { provider }: SignedRequest,
): Promise<Session> {
  const session = await findSession(context.ledger, token);
  if (!session || session.provider !== provider.provider || session.brand !== provider.brand) {
    throw new CroupierError({
      code: 'SESSION_UNKNOWN',
      errorClass: 'final',
      message: 'got a token that opens no session of this provider, expected one from /v1/sessions',
    });
  }
  return session;
}

/**
 * An ended session takes no bet, and one of a retired deployment nothing. What was answered before
 * that is answered again all the same: an honest retry may come late.
 */
async function answerOf(
  context: GatewayContext,
  session: Session,
  request: CanonicalRequest,
): Promise<Answer> {
  const ended = session.state === 'expired' && request.action.type === 'bet';
  if (!ended && session.state !== 'retired') return context.accept(request);
  const stored = await storedAnswer(context.ledger, request);
  if (stored) return stored;
  throw new CroupierError({
    code: 'SESSION_EXPIRED',
    errorClass: 'final',
    message:
      session.state === 'retired'
        ? 'got a session of a deployment that is no longer in use, expected a new one'
        : `got a bet in a session that ended at ${new Date(session.expiresMs).toISOString()}`,
  });
}

function actionOf(action: z.output<typeof actionSchema>): Action {
  const { txId } = action;
  switch (action.type) {
    case 'bet':
      return { type: 'bet', txId, stakeUnits: action.stake, maxPayoutUnits: action.maxPayout };
    case 'win':
      return { type: 'win', txId, betTxId: action.betTxId, payoutUnits: action.payout };
    case 'void':
      return { type: 'void', txId, betTxId: action.betTxId };
    case 'credit':
      return { type: 'credit', txId, amountUnits: action.amount };
  }
}
