import type { Remark } from '../../src/model/declaration.ts';
import { isBitTable, isReadOnlyTable, MAX_WIRE_ADDRESS, wireAddress } from './address.ts';
import { sizeOf, typeOf } from './layout.ts';
import type { ModbusPlanPoint } from './plan.ts';
import { MAX_REGISTERS, MAX_WRITE_REGISTERS } from './request.ts';
import type { ModbusDevice } from './settings.ts';

type Finding = Pick<Remark, 'key' | 'message' | 'hint'> & { readonly severity?: Remark['severity'] };
type Check = (point: ModbusPlanPoint, device: ModbusDevice) => Finding | undefined;

/** The first finding of each group: a point whose type is unknown has no size to speak of. */
const CHECKS: readonly (readonly Check[])[] = [[checkBit, checkType, checkLength, checkSize], [checkNotation], [checkWrite]];

/** What is wrong with one point by itself. */
export function checkPoint(point: ModbusPlanPoint, device: ModbusDevice): readonly Remark[] {
  return CHECKS.flatMap((group) => {
    for (const check of group) {
      const finding = check(point, device);
      if (finding !== undefined) return [{ severity: 'error' as const, device: point.device, point: point.name, ...finding }];
    }
    return [];
  });
}

function checkBit(point: ModbusPlanPoint): Finding | undefined {
  const { table, bit } = point.address.address;
  if (bit !== undefined && isBitTable(table))
    return { key: 'address', message: `a ${table} is one bit already`, hint: 'leave out `bit`' };
  if (bit !== undefined && typeOf(point) !== 'boolean')
    return { key: 'type', message: `a bit is boolean, not ${point.type}`, hint: 'leave out `type`' };
  if (bit === undefined && point.type === 'boolean' && !isBitTable(table)) {
    return { key: 'address', message: `a ${table} register is no boolean`, hint: `name its bit: \`bit: 0\` to \`bit: 15\`` };
  }
  return undefined;
}

function checkType(point: ModbusPlanPoint): Finding | undefined {
  const { table } = point.address.address;
  const type = typeOf(point);
  if (type === undefined)
    return { key: 'type', message: `a ${table} register needs a \`type\``, hint: 'e.g. `type: int16` or `type: float32`' };
  if (isBitTable(table) && type !== 'boolean')
    return { key: 'type', message: `a ${table} is boolean, not ${type}`, hint: 'leave out `type`' };
  if (type === 'dateTime' || type === 'guid')
    return { key: 'type', message: `Modbus knows no ${type}`, hint: 'read it as `string` or `bytes`' };
  return undefined;
}

function checkLength(point: ModbusPlanPoint): Finding | undefined {
  const isText = point.type === 'string' || point.type === 'bytes';
  const { length } = point.address;
  if (isText && length === undefined)
    return {
      key: 'length',
      message: `a ${point.type} needs its \`length\` in registers`,
      hint: 'e.g. `length: 8` for 16 characters',
    };
  if (!isText && length !== undefined)
    return { key: 'length', message: `the length of ${typeOf(point)} is fixed`, hint: 'leave out `length`' };
  return undefined;
}

function checkSize(point: ModbusPlanPoint, device: ModbusDevice): Finding | undefined {
  const { address } = point.address;
  const size = sizeOf(point) ?? 1;
  const first = wireAddress(address, device.addressBase);
  if (first < 0) return { key: 'address', message: 'address 0 with `addressBase: 1`: such devices count from 1' };
  if (first > MAX_WIRE_ADDRESS)
    return { key: 'address', message: `${address.table} ${address.number} is past ${MAX_WIRE_ADDRESS}, the last there is` };
  if (first + size - 1 > MAX_WIRE_ADDRESS) {
    return { key: 'address', message: `${typeOf(point)} takes ${size} registers from ${address.number} on, past the last one` };
  }
  if (isBitTable(address.table) || size <= device.maxRegistersPerRequest) return undefined;
  const limit = device.maxRegistersPerRequest;
  return {
    key: size > MAX_REGISTERS ? 'length' : 'type',
    message: `${typeOf(point)} takes ${size} registers, the device gives ${limit} in one answer`,
    hint: 'a value is never read in pieces: the device might change it in between',
  };
}

/** 40001 is a possible address, but mostly somebody meant the number in the list of the device. */
function checkNotation({ address: { address } }: ModbusPlanPoint): Finding | undefined {
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

function checkWrite(point: ModbusPlanPoint): Finding | undefined {
  if (point.access === 'read') return undefined;
  const { address, writeWith } = point.address;
  const size = sizeOf(point) ?? 1;
  if (isReadOnlyTable(address.table)) {
    return {
      key: 'write',
      message: `${address.table} is a table that can only be read`,
      hint: 'many devices show the same value as `holding`',
    };
  }
  if (point.type === 'int8' || point.type === 'uint8') {
    return { key: 'write', message: 'half a register cannot be written', hint: 'write the whole as `uint16`' };
  }
  if (size > MAX_WRITE_REGISTERS)
    return { key: 'length', message: `at most ${MAX_WRITE_REGISTERS} registers can be written at once, not ${size}` };
  if (writeWith === 'single' && size > 1) {
    return {
      key: 'writeWith',
      message: `${typeOf(point)} takes ${size} registers; \`single\` writes one`,
      hint: 'leave out `writeWith`',
    };
  }
  return undefined;
}
