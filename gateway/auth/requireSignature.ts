import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GatewayContext } from '../context.ts';
import { rawBody } from '../http.ts';
import type { KeyHolder } from './keyring.ts';
import { checkSignature, readSignature } from './verify.ts';

/** A request whose sender is known. */
export interface SignedRequest {
  readonly provider: KeyHolder['provider'];
  readonly idempotencyKey: string;
  /** The raw bytes that were signed. */
  readonly body: Uint8Array;
  /** `Signature-Input` and `Signature` as sent, a line each: with the body the proof of who asked. */
  readonly signature: string;
}

const signedRequests = new WeakMap<FastifyRequest, SignedRequest>();

/** Lets only requests through whose signature fits their raw bytes. For all routes of `app`. */
export function requireSignature(app: FastifyInstance, context: GatewayContext): void {
  app.addHook('preHandler', async (request) => {
    const { headers } = request;
    const nowS = Math.floor(context.ledger.clock.nowMs() / 1000);
    const claim = readSignature(headers, nowS);
    const { provider, secret } = await context.keyring.find(claim.keyId);
    const body = rawBody(request.body);
    const origin = context.publicOrigin ?? `http://${headers.host}`;
    checkSignature(claim, {
      method: request.method,
      targetUri: origin + request.raw.url,
      body,
      secret,
    });
    signedRequests.set(request, {
      provider,
      idempotencyKey: claim.idempotencyKey,
      body,
      signature: `${headers['signature-input']}\n${headers.signature}`,
    });
  });
}

/** What `requireSignature` found out about the request. */
export function signedOf(request: FastifyRequest): SignedRequest {
  const signed = signedRequests.get(request);
  if (!signed) throw new TypeError('a signed route stands outside of requireSignature');
  return signed;
}
