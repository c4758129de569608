import { concat, type Hex, keccak256 } from 'viem';

/**
 * Merkle root of a batch's evidence leaves, in lane order: neighbours are hashed in pairs, an odd one
 * out rises unchanged, a single leaf is its own root. Order counts, so a proof also shows the place.
 * Leaves are hashes of inputs that are never 64 bytes long, so a leaf cannot pass for an inner node.
 *
 * @throws RangeError when there is no leaf
 */
export function evidenceRoot(leaves: readonly Hex[]): Hex {
  let level: readonly Hex[] = leaves;
  while (level.length > 1) {
    const parents: Hex[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const [left, right] = level.slice(index, index + 2);
      if (left === undefined) break;
      parents.push(right === undefined ? left : keccak256(concat([left, right])));
    }
    level = parents;
  }
  const [root] = level;
  if (root === undefined) throw new RangeError('evidenceRoot: got 0 leaves, expected at least 1');
  return root;
}
