import { type Address, encodeAbiParameters, type Hex, keccak256 } from 'viem';

/** What the house commits to. */
export function commitmentOf(seed: Hex): Hex {
  return keccak256(seed);
}

/** A bet's roll, 0 to 9,999, as anyone computes it from the events of a round that was revealed. */
export function rollOf(seed: Hex, id: bigint, player: Address, salt: Hex): number {
  const packed = encodeAbiParameters(
    [{ type: 'bytes32' }, { type: 'uint128' }, { type: 'address' }, { type: 'bytes16' }],
    [seed, id, player, salt],
  );
  return Number(BigInt(keccak256(packed)) % 10_000n);
}
