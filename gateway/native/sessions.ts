import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { openSession } from '../../ledger/sessions.ts';
import { CroupierError } from '../../platform/errors.ts';
import { signedOf } from '../auth/requireSignature.ts';
import type { GatewayContext } from '../context.ts';
import { addResource } from '../http.ts';
import { addressSchema, brandSchema, parseBody, textOf } from './body.ts';

const TTL_DEFAULT_S = 86_400;
const TTL_MAX_S = 30 * 86_400;
const TOKEN_BYTES = 32;

const sessionSchema = z.strictObject({
  player: addressSchema,
  brand: brandSchema.optional(),
  ttlS: z.int().min(1).max(TTL_MAX_S).default(TTL_DEFAULT_S),
});

/** `POST /v1/sessions`: opens a session of a seated player with the provider that signs. */
export function sessionRoutes(app: FastifyInstance, context: GatewayContext): void {
  addResource(app, 'POST', '/v1/sessions', async (request, reply) => {
    const { provider, body } = signedOf(request);
    const { player, brand, ttlS } = parseBody(sessionSchema, textOf(body));
    if (brand !== undefined && brand !== provider.brand) {
      throw new CroupierError({
        code: 'BRAND_OF_OTHER_KEY',
        errorClass: 'final',
        message: `got brand "${brand}", expected "${provider.brand}", which the key is for`,
      });
    }
    const session = await openSession(context.ledger, {
      deployment: provider.deployment,
      provider: provider.provider,
      brand: provider.brand,
      player,
      ttlMs: ttlS * 1_000,
      tokenBytes: context.randomBytes(TOKEN_BYTES),
    });
    return reply.status(201).send({
      session: session.token,
      player: session.player,
      balance: session.balance,
      expiresAt: new Date(session.expiresMs).toISOString(),
    });
  });
}
