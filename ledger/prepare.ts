import type { Address } from 'viem';
import { fingerprintOf, refOf, requestKey, transactionKey } from './keys.ts';
import type { CanonicalRequest } from './request.ts';

/** A request with the keys that it is found by, made once, before any row is locked. */
export interface Prepared {
  readonly request: CanonicalRequest;
  readonly requestKey: Uint8Array;
  readonly txKey: Uint8Array;
  /** Of the bet that the action is about; a credit is its own. */
  readonly betKey: Uint8Array;
  readonly fingerprint: Uint8Array;
  readonly ref: string;
  /** The keys as hex, for maps. */
  readonly requestHex: string;
  readonly txHex: string;
  readonly betHex: string;
}

/** Hex of a key, for maps. */
export function hexOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex');
}

/** Makes the keys of a request; its player is lower case from here on. */
export function prepare(refKey: Uint8Array, received: CanonicalRequest): Prepared {
  const request = { ...received, player: received.player.toLowerCase() as Address };
  const { provider, brand, action } = request;
  const byKey = requestKey(provider, brand, request.idempotencyKey);
  const txKey = transactionKey(provider, brand, action.txId);
  const own = action.type === 'bet' || action.type === 'credit';
  const betKey = own ? txKey : transactionKey(provider, brand, action.betTxId);
  return {
    request,
    requestKey: byKey,
    txKey,
    betKey,
    fingerprint: fingerprintOf(request),
    ref: refOf(refKey, provider, brand, action.txId),
    requestHex: hexOf(byKey),
    txHex: hexOf(txKey),
    betHex: hexOf(betKey),
  };
}
