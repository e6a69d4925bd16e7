import type { DataType } from '../../../src/model/data-type.ts';
import type { Value } from '../../../src/model/value.ts';
import type { DecodedRow } from '../../../src/southbound/decode-tool.ts';
import { NoValue } from '../codec/codec.ts';
import { layoutOf } from '../codec/layout.ts';
import { toHex } from '../codec/registers.ts';
import type { ModbusAddress } from '../mapping/address.ts';
import type { RegisterPoint } from '../mapping/plan.ts';
import { type Encoding, type ModbusPoint, pointSchema } from '../mapping/point-settings.ts';
import { addressText } from './mapping-lines.ts';
import { judge } from './plausible.ts';

type Orders = Pick<ModbusPoint, 'wordOrder' | 'byteOrder'>;

/** With A the most significant byte; of each number of registers those that differ. */
const ORDERS: readonly (readonly [names: readonly string[], orders: Orders])[] = [
  [['AB', 'ABCD', 'ABCDEF', 'ABCDEFGH'], { wordOrder: 'big-endian', byteOrder: 'big-endian' }],
  [['', 'CDAB', 'EFCDAB', 'GHEFCDAB'], { wordOrder: 'little-endian', byteOrder: 'big-endian' }],
  [['BA', 'BADC', 'BADCFE', 'BADCFEHG'], { wordOrder: 'big-endian', byteOrder: 'little-endian' }],
  [['', 'DCBA', 'FEDCBA', 'HGFEDCBA'], { wordOrder: 'little-endian', byteOrder: 'little-endian' }],
  [['', '', '', 'CDABGHEF'], { wordOrder: 'big-endian-swapped', byteOrder: 'big-endian' }],
  [['', '', '', 'EFGHABCD'], { wordOrder: 'little-endian-swapped', byteOrder: 'big-endian' }],
  [['', '', '', 'DCBAHGFE'], { wordOrder: 'big-endian-swapped', byteOrder: 'little-endian' }],
  [['', '', '', 'FEHGBADC'], { wordOrder: 'little-endian-swapped', byteOrder: 'little-endian' }],
];

interface Kind {
  readonly type: DataType;
  readonly encoding?: Encoding;
  readonly format?: string;
}

/** By the number of their registers. */
const KINDS: Readonly<Record<number, readonly Kind[]>> = {
  1: [
    { type: 'int16' },
    { type: 'uint16' },
    { type: 'float16' },
    { type: 'uint16', encoding: 'bcd' },
    { type: 'int16', encoding: 'sign-magnitude' },
    { type: 'int8' },
    { type: 'uint8' },
  ],
  2: [
    { type: 'float32' },
    { type: 'int32' },
    { type: 'uint32' },
    { type: 'uint32', encoding: 'bcd' },
    { type: 'uint32', encoding: 'modulo-10000' },
    { type: 'int32', encoding: 'sign-magnitude' },
    { type: 'dateTime', encoding: 'epoch-seconds' },
  ],
  3: [
    { type: 'int48' },
    { type: 'uint48' },
    { type: 'uint48', encoding: 'bcd' },
    { type: 'dateTime', encoding: 'bcd', format: 'YYMM DDhh mmss' },
    { type: 'dateTime', format: 'YYMM DDhh mmss' },
  ],
  4: [
    { type: 'float64' },
    { type: 'int64' },
    { type: 'uint64' },
    { type: 'uint64', encoding: 'bcd' },
    { type: 'uint64', encoding: 'modulo-10000' },
    { type: 'dateTime', encoding: 'epoch-milliseconds' },
    { type: 'dateTime', encoding: 'cp56time2a' },
    { type: 'dateTime', encoding: 'bcd', format: 'YYYY MMDD hhmm ss..' },
  ],
  6: [{ type: 'dateTime', format: 'YYYY MM DD hh mm ss' }],
};

const TEXT_KINDS: readonly Kind[] = [
  { type: 'string' },
  { type: 'string', encoding: 'latin1' },
  { type: 'string', encoding: 'utf16' },
];

export interface DecodeOptions {
  readonly address: ModbusAddress;
  /** What the mapping has for the point. */
  readonly point: RegisterPoint;
  /** Whether a value fits the `range` of the mapping; `undefined` where it has none. */
  isInRange(value: Value): boolean | undefined;
}

/** `registers`: from the address on, as many as there are. A value that comes of several encodings or orders of a type is shown once. */
export function decodeRows(registers: Buffer, options: DecodeOptions): readonly DecodedRow[] {
  const size = registers.length / 2;
  const numbers = Object.entries(KINDS).flatMap(([words, kinds]) =>
    Number(words) > size
      ? []
      : kinds.flatMap((kind) => ordersOf(Number(words)).map((order) => ({ ...kind, ...order, words: Number(words) }))),
  );
  const length = Math.min(size, options.point.type === 'string' ? (options.point.address.length ?? size) : size);
  const texts = TEXT_KINDS.flatMap((kind) => ordersOf(1).map((order) => ({ ...kind, ...order, words: length, length })));
  const seen = new Set<string>();
  const rows: Omit<DecodedRow, 'number'>[] = [];
  for (const candidate of [...numbers, ...texts]) {
    const row = toRow(registers, candidate, options);
    const key = `${candidate.type} ${String(row.value)}`;
    if (!seen.has(key)) rows.push(row);
    seen.add(key);
  }
  return rows.map((row, index) => ({ number: index + 1, ...row }));
}

function ordersOf(words: number): readonly (Orders & { readonly order: string })[] {
  return ORDERS.flatMap(([names, orders]) => {
    const order = names[words - 1] ?? (names === ORDERS[0]?.[0] ? 'in turn' : '');
    return order === '' ? [] : [{ ...orders, order }];
  });
}

type Candidate = Kind & Orders & { readonly order: string; readonly words: number; readonly length?: number };

function toRow(
  registers: Buffer,
  candidate: Candidate,
  { address, point, isInRange }: DecodeOptions,
): Omit<DecodedRow, 'number'> {
  const { order, words, type, ...keys } = candidate;
  const { bit: _, bits: __, ...place } = address;
  const parsed = pointSchema.parse({ address: { holding: 0 }, ...keys });
  const { codec } = layoutOf({ ...point, type, address: { ...parsed, address: place } }, 0);
  const bytes = registers.subarray(0, 2 * words);
  const decoded = codec.decode(bytes);
  const value = decoded instanceof NoValue ? null : decoded;
  const { isPlausible, reason } =
    value === null ? { isPlausible: false, reason: 'cannot be' } : judge(type, value, isInRange(value));
  return {
    type,
    ...(keys.encoding === undefined ? {} : { encoding: keys.encoding }),
    ...(keys.format === undefined ? {} : { format: keys.format }),
    order,
    registers: toHex(bytes),
    value,
    isPlausible,
    reason,
    lines: linesOf(point.name, place, { type, ...keys }),
  };
}

/** What goes into the mapping; keys that have their default stay out. */
function linesOf(name: string, address: ModbusAddress, keys: Kind & Orders & { readonly length?: number }): readonly string[] {
  const { type, encoding, format, wordOrder, byteOrder, length } = keys;
  const written = { type, encoding, format, length, wordOrder, byteOrder };
  const lines = Object.entries(written).filter(([, value]) => value !== undefined && value !== 'big-endian');
  return [`${name}:`, `  address: { ${addressText(address)} }`, ...lines.map(([key, value]) => `  ${key}: ${value}`)];
}
