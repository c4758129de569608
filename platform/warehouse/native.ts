import { CroupierError } from '../errors.ts';
import type { ColumnType, TableDefinition, WarehouseRow, WarehouseValue } from './warehouse.ts';

/** Of a length below 2^35. */
const MAX_VARINT_BYTES = 5;

type Encode = (values: readonly WarehouseValue[]) => Buffer;

const INTEGERS = {
  Int8: { bytes: 1, signed: true },
  UInt8: { bytes: 1, signed: false },
  UInt16: { bytes: 2, signed: false },
  UInt32: { bytes: 4, signed: false },
  UInt64: { bytes: 8, signed: false },
  Int256: { bytes: 32, signed: true },
  UInt256: { bytes: 32, signed: false },
  DateTime: { bytes: 4, signed: false },
} as const satisfies Partial<Record<ColumnType, { bytes: number; signed: boolean }>>;

const ENCODERS: Readonly<Record<ColumnType, Encode>> = {
  String: strings,
  Bool: booleans,
  Int8: integers('Int8'),
  UInt8: integers('UInt8'),
  UInt16: integers('UInt16'),
  UInt32: integers('UInt32'),
  UInt64: integers('UInt64'),
  Int256: integers('Int256'),
  UInt256: integers('UInt256'),
  DateTime: integers('DateTime'),
  'Array(String)': arrays(strings),
  'Array(UInt256)': arrays(integers('UInt256')),
};

/** What is wrong with one value; `encodeNative` adds where it stands. */
class ValueError extends Error {
  readonly row: number;
  readonly got: string;

  constructor(row: number, value: unknown) {
    super();
    this.row = row;
    this.got = describe(value);
  }
}

/**
 * All rows as one block in ClickHouse's Native format, so that one insert is one block. Text goes as
 * UTF-8; half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD.
 *
 * @throws CroupierError `WAREHOUSE_VALUE_INVALID` (final) for a value its column cannot hold, a
 * missing one, or one without a column
 */
export function encodeNative(table: TableDefinition, rows: readonly WarehouseRow[]): Buffer {
  checkColumns(table, rows);
  const parts: Buffer[] = [varint(table.columns.length), varint(rows.length)];
  for (const { name, type } of table.columns) {
    parts.push(text(name), text(type));
    try {
      parts.push(ENCODERS[type](rows.map((row) => row[name] as WarehouseValue)));
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw invalid(table, `${error.got} in row ${error.row}`, `a ${type} in column ${name}`);
    }
  }
  return Buffer.concat(parts);
}

function checkColumns(table: TableDefinition, rows: readonly WarehouseRow[]): void {
  for (const [index, row] of rows.entries()) {
    const missing = table.columns.find(({ name }) => row[name] === undefined);
    if (missing) throw invalid(table, `nothing in row ${index}`, `a value of ${missing.name}`);
    const count = Object.keys(row).length;
    if (count !== table.columns.length)
      throw invalid(table, `${count} values in row ${index}`, `${table.columns.length}`);
  }
}

function invalid(table: TableDefinition, got: string, expected: string): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_VALUE_INVALID',
    errorClass: 'final',
    message: `got ${got} for table ${table.name}, expected ${expected}`,
    details: { table: table.name },
  });
}

/** Never the text itself: it may be foreign and long. */
function describe(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  return Array.isArray(value) ? `a list of ${value.length}` : `${typeof value} ${String(value)}`;
}

function strings(values: readonly WarehouseValue[]): Buffer {
  let size = 0;
  for (const [row, value] of values.entries()) {
    if (typeof value !== 'string') throw new ValueError(row, value);
    // Three bytes hold every UTF-16 unit.
    size += MAX_VARINT_BYTES + value.length * 3;
  }
  const column = Buffer.allocUnsafe(size);
  let end = 0;
  for (const value of values as readonly string[]) end = writeText(column, value, end);
  return column.subarray(0, end);
}

function booleans(values: readonly WarehouseValue[]): Buffer {
  const column = Buffer.alloc(values.length);
  for (const [row, value] of values.entries()) {
    if (typeof value !== 'boolean') throw new ValueError(row, value);
    column[row] = value ? 1 : 0;
  }
  return column;
}

function integers(type: keyof typeof INTEGERS): Encode {
  const { bytes, signed } = INTEGERS[type];
  const bits = bytes * 8;
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const plainMax = Math.min(Number(high), Number.MAX_SAFE_INTEGER);
  return (values) => {
    const column = Buffer.alloc(values.length * bytes);
    for (const [row, value] of values.entries()) {
      // The usual case, without a big integer.
      if (typeof value === 'number' && value >= 0 && value <= plainMax && Number.isInteger(value)) {
        writePlain(column, row * bytes, bytes, value);
        continue;
      }
      const integer = toInteger(value);
      if (integer === undefined || integer < low || integer > high)
        throw new ValueError(row, value);
      writeInteger(column, row * bytes, bytes, BigInt.asUintN(bits, integer));
    }
    return column;
  };
}

function toInteger(value: WarehouseValue): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  // 78 digits hold every 256-bit integer; without a limit a long text would cost quadratic time.
  if (typeof value === 'string' && /^-?[0-9]{1,78}$/.test(value)) return BigInt(value);
  return undefined;
}

function writePlain(column: Buffer, offset: number, bytes: number, value: number): void {
  if (bytes < 8) {
    column.writeUIntLE(value, offset, bytes);
    return;
  }
  column.writeUInt32LE(value % 2 ** 32, offset);
  column.writeUInt32LE(Math.floor(value / 2 ** 32), offset + 4);
}

function writeInteger(column: Buffer, offset: number, bytes: number, integer: bigint): void {
  if (bytes < 8) {
    column.writeUIntLE(Number(integer), offset, bytes);
    return;
  }
  let rest = integer;
  for (let at = 0; at < bytes; at += 8) {
    column.writeBigUInt64LE(BigInt.asUintN(64, rest), offset + at);
    rest >>= 64n;
  }
}

function arrays(encode: Encode): Encode {
  return (values) => {
    const ends = Buffer.alloc(values.length * 8);
    const items: string[] = [];
    for (const [row, value] of values.entries()) {
      if (!Array.isArray(value)) throw new ValueError(row, value);
      for (const item of value as readonly string[]) items.push(item);
      ends.writeBigUInt64LE(BigInt(items.length), row * 8);
    }
    return Buffer.concat([ends, encode(items)]);
  };
}

function text(value: string): Buffer {
  return strings([value]);
}

function writeText(column: Buffer, value: string, start: number): number {
  const offset = writeVarint(column, Buffer.byteLength(value, 'utf8'), start);
  return offset + column.write(value, offset, 'utf8');
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(MAX_VARINT_BYTES);
  return bytes.subarray(0, writeVarint(bytes, value, 0));
}

function writeVarint(column: Buffer, value: number, start: number): number {
  let rest = value;
  let offset = start;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80))
    offset = column.writeUInt8((rest % 0x80) | 0x80, offset);
  return column.writeUInt8(rest, offset);
}
