import { type Hex, hexToBytes, keccak256 } from 'viem';

/** Whether a block's bloom may hold an address or a topic. False is certain: it does not. */
export type BloomTest = (logsBloom: Hex) => boolean;

/** A test for `entry`, an address or a topic. */
export function createBloomTest(entry: Hex): BloomTest {
  const digest = keccak256(hexToBytes(entry), 'bytes');
  const bits = [0, 2, 4].map(
    (index) => (((digest[index] ?? 0) << 8) | (digest[index + 1] ?? 0)) & 2047,
  );
  // Bit 0 is the last bit of the 256 bytes: two hex digits a byte, after 0x.
  const places = bits.map((bit) => ({ digit: 2 + 511 - (bit >> 2), mask: 1 << (bit & 3) }));
  return (logsBloom) =>
    places.every(({ digit, mask }) => (Number.parseInt(logsBloom[digit] ?? '0', 16) & mask) !== 0);
}
