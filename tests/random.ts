import { createHash } from 'node:crypto';

/** Numbers in [0, 1) that depend on the seed alone (a hash in counter mode). */
export function createRandom(seed: string): () => number {
  let counter = 0;
  return () => {
    const digest = createHash('sha256').update(`${seed}:${counter++}`).digest();
    return digest.readUIntBE(0, 6) / 2 ** 48;
  };
}
