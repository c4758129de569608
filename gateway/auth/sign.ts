import { createSecretKey } from 'node:crypto';
import { type InnerList, serializeDictionary } from 'structured-headers';
import {
  COVERED_COMPONENTS,
  digestOf,
  hmacOf,
  SIGNATURE_LABEL,
  signatureBase,
} from './signatureBase.ts';

/** How long a signature of ours is valid. The gateway takes it for at most as long. */
const VALIDITY_S = 300;

/** The headers of a signed request, ready for `fetch`. */
export type SignedHeaders = Readonly<Record<string, string>>;

/**
 * Signs a request for the gateway: RFC 9421 with `hmac-sha256` over method, target URI,
 * `Content-Digest` (RFC 9530) and `Idempotency-Key`.
 * `secret` is the provider's shared secret in hex; `nowS` is in seconds since the Unix epoch.
 */
export function signRequest(args: {
  method: string;
  url: string;
  body: Uint8Array;
  keyId: string;
  secret: string;
  idempotencyKey: string;
  nowS: number;
  nonce: string;
}): SignedHeaders {
  const contentDigest = serializeDictionary({ 'sha-256': digestOf(args.body) });
  const input: InnerList = [
    COVERED_COMPONENTS.map((name) => [name, new Map()]),
    new Map<string, number | string>([
      ['created', args.nowS],
      ['expires', args.nowS + VALIDITY_S],
      ['keyid', args.keyId],
      ['nonce', args.nonce],
      ['alg', 'hmac-sha256'],
    ]),
  ];
  const base = signatureBase(input, {
    '@method': args.method,
    '@target-uri': new URL(args.url).href,
    'content-digest': contentDigest,
    'idempotency-key': args.idempotencyKey,
  });
  return {
    'content-type': 'application/json',
    'content-digest': contentDigest,
    'idempotency-key': args.idempotencyKey,
    'signature-input': serializeDictionary({ [SIGNATURE_LABEL]: input }),
    signature: serializeDictionary({
      [SIGNATURE_LABEL]: hmacOf(createSecretKey(args.secret, 'hex'), base),
    }),
  };
}
