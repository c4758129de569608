import type { Hex } from 'viem';
import { CroupierError } from '../../platform/errors.ts';

/** Writes fixed-width big-endian fields one after the other. */
export interface ByteWriter {
  /** @throws CroupierError `UNIT_INVALID` (final) when `value` does not fit in `size` bytes */
  uint(name: string, value: bigint | number, size: number): void;
  /** @throws CroupierError `UNIT_INVALID` (final) when `value` is not exactly `size` bytes in hex */
  hex(name: string, value: Hex, size: number): void;
  bytes(value: Uint8Array): void;
  finish(): Uint8Array;
}

export function createByteWriter(): ByteWriter {
  const parts: Uint8Array[] = [];
  return {
    uint(name, value, size) {
      if (typeof value === 'number' && !Number.isSafeInteger(value)) {
        throw unitInvalid(`${name}: got ${value}, expected a safe integer`);
      }
      let rest = BigInt(value);
      if (rest < 0n || rest >> BigInt(8 * size) !== 0n) {
        throw unitInvalid(`${name}: got ${rest}, expected 0 to 2^${8 * size} − 1`);
      }
      const field = new Uint8Array(size);
      for (let index = size - 1; index >= 0; index--) {
        field[index] = Number(rest & 0xffn);
        rest >>= 8n;
      }
      parts.push(field);
    },
    hex(name, value, size) {
      if (value.length !== 2 + 2 * size || !/^0x[0-9a-fA-F]*$/.test(value)) {
        throw unitInvalid(`${name}: got ${value.slice(0, 80)}, expected ${size} bytes in hex`);
      }
      parts.push(Buffer.from(value.slice(2), 'hex'));
    },
    bytes(value) {
      parts.push(value);
    },
    finish: () => new Uint8Array(Buffer.concat(parts)),
  };
}

/** Reads what a `ByteWriter` wrote. Hex comes out in lower case. */
export interface ByteReader {
  /** Bytes read so far. */
  readonly position: number;
  readonly atEnd: boolean;
  /** A field that fits in a number (up to 6 bytes). */
  number(size: number): number;
  bigint(size: number): bigint;
  hex(size: number): Hex;
}

/** Every read throws CroupierError `OPS_MALFORMED` (final) beyond the end. */
export function createByteReader(bytes: Uint8Array): ByteReader {
  let position = 0;
  const take = (size: number): Hex => {
    if (position + size > bytes.length) {
      throw opsMalformed(position, `got ${bytes.length - position} bytes, expected ${size}`);
    }
    const field = Buffer.from(bytes.subarray(position, position + size)).toString('hex');
    position += size;
    return `0x${field}`;
  };
  return {
    get position() {
      return position;
    },
    get atEnd() {
      return position === bytes.length;
    },
    number: (size) => Number(take(size)),
    bigint: (size) => BigInt(take(size)),
    hex: take,
  };
}

export function unitInvalid(message: string): CroupierError {
  return new CroupierError({ code: 'UNIT_INVALID', errorClass: 'final', message });
}

export function opsMalformed(position: number, message: string): CroupierError {
  return new CroupierError({
    code: 'OPS_MALFORMED',
    errorClass: 'final',
    message: `at byte ${position}: ${message}`,
    details: { position },
  });
}
