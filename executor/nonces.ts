/**
 * The lowest nonce from the chain's on that none of our transactions holds. Nothing moves a counter
 * before a broadcast, so there is none to drift: a nonce that a foreign transaction used is passed
 * over at the next look, and a gap is filled first.
 */
export function freeNonce(chainNonce: number, held: ReadonlySet<number>): number {
  let nonce = chainNonce;
  while (held.has(nonce)) nonce += 1;
  return nonce;
}
