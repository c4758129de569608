import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { CroupierError } from '../platform/errors.ts';
import { addResource, rawBody } from './http.ts';
import {
  addressSchema,
  brandSchema,
  nameSchema,
  parseBody,
  parseValue,
  textOf,
} from './native/body.ts';

const SQL_CHARS_MAX = 10_000;
const TTL_MAX_S = 30 * 86_400;

const sessionSchema = z.strictObject({
  provider: nameSchema,
  brand: brandSchema,
  player: addressSchema,
  ttlS: z.int().min(1).max(TTL_MAX_S),
});
const sqlSchema = z.strictObject({ sql: z.string().min(1).max(SQL_CHARS_MAX) });
const traceSchema = z.strictObject({ id: nameSchema });

/** What the operator's commands ask of the running process. Each answer is sent as JSON. */
export interface AdminHandlers {
  trace(id: string): Promise<object>;
  status(): Promise<object>;
  session(args: z.output<typeof sessionSchema>): Promise<object>;
  sql(sql: string): Promise<object>;
}

/** `/admin/…`: for whoever has the operator token. */
export function adminRoutes(
  app: FastifyInstance,
  args: { admin: AdminHandlers; operatorToken: string },
): void {
  const { admin } = args;
  const expected = hashOf(`Bearer ${args.operatorToken}`);
  app.addHook('onRequest', async (request, reply) => {
    // Hashes have one length, so the time taken says nothing about the token.
    if (timingSafeEqual(hashOf(request.headers.authorization ?? ''), expected)) return;
    reply.header('www-authenticate', 'Bearer');
    throw new CroupierError({
      code: 'TOKEN_INVALID',
      errorClass: 'final',
      message: 'got another Authorization header, expected Bearer and the operator token',
    });
  });

  addResource(app, 'GET', '/admin/status', async () => admin.status());
  addResource(app, 'GET', '/admin/trace/:id', async (request) =>
    admin.trace(parseValue(traceSchema, request.params, 'the path').id),
  );
  addResource(app, 'POST', '/admin/sessions', async (request, reply) => {
    reply.status(201);
    return admin.session(parseBody(sessionSchema, textOf(rawBody(request.body))));
  });
  addResource(app, 'POST', '/admin/sql', async (request) =>
    admin.sql(parseBody(sqlSchema, textOf(rawBody(request.body))).sql),
  );
}

function hashOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
