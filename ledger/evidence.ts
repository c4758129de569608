import { createHash } from 'node:crypto';
import { keccak256 } from 'viem';
import { laneOf } from '../contracts/encoding/message.ts';

/** What a provider sent: the body as kept, without its token, and its signature header. */
export interface EvidenceRequest {
  readonly body: string;
  readonly signature: string;
}

/**
 * The leaf of an item in its batch's evidence: keccak256 over (lane u48, seq u48, SHA-256 of body and
 * signature of each request, in order). It does not depend on how items are split into batches, so a
 * later edit of a stored request shows.
 */
export function evidenceLeaf(args: {
  operatorNo: number;
  shard: number;
  seq: number;
  requests: readonly EvidenceRequest[];
}): Uint8Array {
  const packed = Buffer.alloc(12 + 32 * args.requests.length);
  packed.writeUIntBE(Number(laneOf(args.operatorNo, args.shard)), 0, 6);
  packed.writeUIntBE(args.seq, 6, 6);
  args.requests.forEach(({ body, signature }, index) => {
    const hash = createHash('sha256').update(body).update(signature).digest();
    hash.copy(packed, 12 + 32 * index);
  });
  return keccak256(packed, 'bytes');
}
