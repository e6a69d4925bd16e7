/** The four tables of the Modbus data model (Modbus Application Protocol 1.1b3, section 4.3). */
export const TABLES = ['holding', 'input', 'coil', 'discrete'] as const;
export type Table = (typeof TABLES)[number];

export interface ModbusAddress {
  readonly table: Table;
  /** Zero-based, as on the wire, unless the device counts from one (`addressBase: 1`). */
  readonly number: number;
  /** `reference`: from Modicon notation, never shifted by `addressBase`. */
  readonly notation: 'number' | 'reference';
  /** Bit of a register, 0 is the least significant. */
  readonly bit?: number;
  /** Lowest and highest bit of a run in a register that is a number of its own. */
  readonly bits?: readonly [low: number, high: number];
}

export const MAX_WIRE_ADDRESS = 65_535;

export function isBitTable(table: Table): boolean {
  return table === 'coil' || table === 'discrete';
}

export function isReadOnlyTable(table: Table): boolean {
  return table === 'input' || table === 'discrete';
}

/** What goes over the wire, where 0 is the first of a table. */
export function wireAddress(address: ModbusAddress, addressBase: number): number {
  return address.notation === 'reference' ? address.number : address.number - addressBase;
}

const TABLE_OF_DIGIT: Readonly<Record<string, Table>> = { '0': 'coil', '1': 'discrete', '3': 'input', '4': 'holding' };

/**
 * Modicon notation: the first of five or six digits names the table, the rest counts from one: `30013`, `40001`, `400001`.
 * Coils below 10 000 may be written without the leading zero. `undefined` where the text is none of these.
 */
export function parseReference(reference: number | string): Pick<ModbusAddress, 'table' | 'number'> | undefined {
  const text = String(reference);
  if (!/^\d{1,6}$/.test(text)) return undefined;
  const digits = text.length < 5 ? text.padStart(5, '0') : text;
  const table = TABLE_OF_DIGIT[digits.charAt(0)];
  const number = Number(digits.slice(1)) - 1;
  if (table === undefined || number < 0 || number > MAX_WIRE_ADDRESS) return undefined;
  return { table, number };
}
