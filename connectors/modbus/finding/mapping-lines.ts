import type { ModbusAddress, Table } from '../mapping/address.ts';

const DIGIT_OF: Readonly<Record<Table, string>> = { coil: '0', discrete: '1', input: '3', holding: '4' };
const SHORT_NUMBERS = 9_999;

/** As it stands in a mapping: `holding: 100`, or `reference: 40101` where the mapping has it so. */
export function addressText({ table, number, notation }: ModbusAddress): string {
  if (notation === 'number') return `${table}: ${number}`;
  const digits = number + 1 > SHORT_NUMBERS ? 5 : 4;
  return `reference: ${DIGIT_OF[table]}${String(number + 1).padStart(digits, '0')}`;
}
