import type { Remark } from '../../../src/model/declaration.ts';
import { elementSize, layoutOf, typeOf } from '../codec/layout.ts';
import { isBitTable, isReadOnlyTable, MAX_WIRE_ADDRESS } from '../mapping/address.ts';
import type { IdentificationPoint, RegisterPoint } from '../mapping/plan.ts';
import type { ModbusDevice } from '../mapping/settings.ts';
import { placePoint } from '../planning/read-items.ts';
import { MAX_READ_WRITE_REGISTERS, MAX_REGISTERS, MAX_WRITE_COILS, MAX_WRITE_REGISTERS } from '../protocol/request.ts';
import {
  checkAbsent,
  checkBit,
  checkCount,
  checkEncoding,
  checkExponent,
  checkFields,
  checkLength,
  checkOrder,
  checkType,
} from './check-value.ts';
import type { Finding } from './finding.ts';

type Check = (point: RegisterPoint, device: ModbusDevice) => Finding | undefined;

const VALUE_CHECKS: readonly Check[] = [
  checkFields,
  checkBit,
  checkType,
  checkEncoding,
  checkLength,
  checkOrder,
  checkCount,
  checkExponent,
  checkAbsent,
  checkSize,
];

/** The first finding of each group: a point whose type is unknown has no size to speak of. */
const CHECKS: readonly (readonly Check[])[] = [VALUE_CHECKS, [checkNotation], [checkWrite]];

/** What is wrong with one point by itself. */
export function checkPoint(point: RegisterPoint, device: ModbusDevice): readonly Remark[] {
  return CHECKS.flatMap((group) => {
    for (const check of group) {
      const finding = check(point, device);
      if (finding !== undefined) return [{ severity: 'error' as const, device: point.device, point: point.name, ...finding }];
    }
    return [];
  });
}

/** What is wrong with a point of the device identification, which is text that nobody writes. */
export function checkIdentification(point: IdentificationPoint): readonly Remark[] {
  const where = { severity: 'error', device: point.device, point: point.name } as const;
  if (point.type !== undefined && point.type !== 'string')
    return [{ ...where, key: 'type', message: `an identification is a string, not ${point.type}`, hint: 'leave out `type`' }];
  if (point.access === 'read') return [];
  return [{ ...where, key: 'write', message: 'what a device says of itself cannot be written', hint: 'leave out `write`' }];
}

function checkSize(point: RegisterPoint, device: ModbusDevice): Finding | undefined {
  const { address, count, exponent } = point.address;
  const { address: first, layout } = placePoint(point, device);
  const { size } = layout;
  if (first < 0) return { key: 'address', message: 'address 0 with `addressBase: 1`: such devices count from 1' };
  if (first > MAX_WIRE_ADDRESS)
    return { key: 'address', message: `${address.table} ${address.number} is past ${MAX_WIRE_ADDRESS}, the last there is` };
  const what = describe(point, size);
  if (first + size - 1 > MAX_WIRE_ADDRESS) {
    return { key: 'address', message: `${what} from ${address.number} on, past the last one` };
  }
  const limit = isBitTable(address.table) ? device.maxBitsPerRequest : device.maxRegistersPerRequest;
  if (size <= limit) return undefined;
  if (exponent !== undefined) {
    const message = `value and exponent lie ${size} registers apart, the device gives ${limit} in one answer`;
    return { key: 'exponent', message, hint: 'read the exponent as a point of its own, and the value by `expression`' };
  }
  return {
    key: count !== undefined ? 'count' : size > MAX_REGISTERS ? 'length' : 'type',
    message: `${what}, the device gives ${limit} in one answer`,
    hint: 'a value is never read in pieces: the device might change it in between',
  };
}

function describe(point: RegisterPoint, size: number): string {
  const { count, address } = point.address;
  const cells = isBitTable(address.table) ? `${address.table}s` : 'registers';
  return count === undefined
    ? `${typeOf(point)} takes ${size} ${cells}`
    : `${count} values of ${typeOf(point)} take ${size} ${cells}`;
}

/** 40001 is a possible address, but mostly somebody meant the number in the list of the device. */
function checkNotation({ address: { address } }: RegisterPoint): Finding | undefined {
  const { table, number, notation } = address;
  const looksLikeReference =
    (table === 'holding' && number > 40_000 && number < 50_000) || (table === 'input' && number > 30_000 && number < 40_000);
  if (notation === 'reference' || !looksLikeReference) return undefined;
  return {
    severity: 'warning',
    key: 'address',
    message: `\`${table}: ${number}\` counts from 0 and looks like Modicon notation`,
    hint: `if the list of the device says ${number}, write \`reference: ${number}\``,
  };
}

function checkWrite(point: RegisterPoint, device: ModbusDevice): Finding | undefined {
  if (point.access === 'read' || elementSize(point) === undefined) return undefined;
  const { address } = point.address;
  if (isReadOnlyTable(address.table)) {
    return {
      key: 'write',
      message: `${address.table} is a table that can only be read`,
      hint: 'many devices show the same value as `holding`',
    };
  }
  return checkFunction(point, device);
}

/** The function that writes it takes so many, and such. */
function checkFunction(point: RegisterPoint, { addressBase }: ModbusDevice): Finding | undefined {
  const { address, writeWith } = point.address;
  const { valueSize: size, isPart, count } = layoutOf(point, addressBase);
  const isCoil = isBitTable(address.table);
  const limit = isCoil ? MAX_WRITE_COILS : writeWith === 'read-write' ? MAX_READ_WRITE_REGISTERS : MAX_WRITE_REGISTERS;
  if (size > limit) {
    const message = `at most ${limit} ${isCoil ? 'coils' : 'registers'} can be written at once, not ${size}`;
    return { key: count === undefined ? 'length' : 'count', message };
  }
  const hint = 'leave out `writeWith`';
  if (writeWith === 'single' && size > 1)
    return { key: 'writeWith', message: `${describe(point, size)}; \`single\` writes one`, hint };
  if (writeWith === 'mask' && !isPart)
    return { key: 'writeWith', message: '`mask` changes bits of a register; this value is the whole of its own', hint };
  if (writeWith === 'read-write' && (isPart || isCoil))
    return { key: 'writeWith', message: '`read-write` writes whole registers', hint };
  return undefined;
}
