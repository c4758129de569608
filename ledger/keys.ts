import { createHmac, hash } from 'node:crypto';
import { type Address, encodePacked, type Hex, keccak256 } from 'viem';
import type { Action, CanonicalRequest } from './request.ts';

/**
 * Each part behind its length (u32, big-endian): no two different lists of parts have the same bytes.
 */
export function lengthPrefixed(...parts: readonly string[]): Uint8Array {
  const encoded = parts.map((part) => Buffer.from(part, 'utf8'));
  const out = Buffer.alloc(encoded.reduce((size, part) => size + 4 + part.length, 0));
  let offset = 0;
  for (const part of encoded) {
    offset = out.writeUInt32BE(part.length, offset);
    offset += part.copy(out, offset);
  }
  return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', bytes, 'buffer'));
}

/** Key of a request: 32 bytes over (provider, brand, Idempotency-Key). */
export function requestKey(provider: string, brand: string, idempotencyKey: string): Uint8Array {
  return sha256(lengthPrefixed(provider, brand, idempotencyKey));
}

/** Key of a transaction id, a bet's too: 32 bytes over (provider, brand, txId). */
export function transactionKey(provider: string, brand: string, txId: string): Uint8Array {
  return sha256(lengthPrefixed(provider, brand, txId));
}

/** What is stored of a session token: a copy of the table opens no session. */
export function tokenHash(token: string): Uint8Array {
  return sha256(Buffer.from(token, 'utf8'));
}

/**
 * The ref (bytes16, hex) by which an action is found on chain: HMAC-SHA256(refKey, provider, brand,
 * txId, part), truncated; the part of an action that is one intent is empty.
 */
export function refOf(refKey: Uint8Array, provider: string, brand: string, txId: string): Hex {
  const mac = createHmac('sha256', refKey).update(lengthPrefixed(provider, brand, txId, ''));
  return `0x${mac.digest('hex').slice(0, 32)}`;
}

/** A round's name on chain: the first 8 bytes of keccak256 over (provider, brand, round). */
export function roundHash(provider: string, brand: string, round: string): Hex {
  return `0x${keccak256(lengthPrefixed(provider, brand, round)).slice(2, 18)}`;
}

/** Name of a deployment: the first 16 bytes of keccak256(chain id, BetBook, deploying block's hash). */
export function deploymentIdOf(facts: {
  readonly chainId: number;
  readonly betBook: Address;
  readonly deployedBlockHash: Hex;
}): string {
  const packed = encodePacked(
    ['uint256', 'address', 'bytes32'],
    [BigInt(facts.chainId), facts.betBook, facts.deployedBlockHash],
  );
  return keccak256(packed).slice(0, 34);
}

/** What makes two requests the same: all that the provider decided, however its body was written. */
export function fingerprintOf(request: CanonicalRequest): Uint8Array {
  const { action } = request;
  return sha256(
    lengthPrefixed(
      request.provider,
      request.brand,
      request.player.toLowerCase(),
      request.game,
      request.round,
      action.type,
      action.txId,
      ...valuesOf(action),
    ),
  );
}

function valuesOf(action: Action): string[] {
  switch (action.type) {
    case 'bet':
      return [String(action.stakeUnits), String(action.maxPayoutUnits)];
    case 'win':
      return [action.betTxId, String(action.payoutUnits)];
    case 'void':
      return [action.betTxId];
    case 'credit':
      return [String(action.amountUnits)];
  }
}
