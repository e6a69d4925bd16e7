import { GatewayError } from '../../../src/model/error.ts';
import type { DecodedRow, DecodeRequest, Decoding, SeenRegister } from '../../../src/southbound/decode-tool.ts';
import { toHex } from '../codec/registers.ts';
import { isBitTable, MAX_WIRE_ADDRESS, type ModbusAddress, wireAddress } from '../mapping/address.ts';
import { isRegisterPoint, type ModbusPlan, type ModbusPlanPoint, type RegisterPoint } from '../mapping/plan.ts';
import { pointSchema } from '../mapping/point-settings.ts';
import type { ModbusDevice } from '../mapping/settings.ts';
import { decodeRows } from './decode-rows.ts';
import { addressText } from './mapping-lines.ts';

/** Registers before the point, and from it on, that are read; what the device does not have is left out. */
const BEFORE = 2;
const FROM_ON = 8;

/** Reads the registers around a point and shows what they are in every type and order. Never writes. */
export async function decode({ session, connection, point, shift, isInRange, signal }: DecodeRequest): Promise<Decoding> {
  const found = point.point as ModbusPlanPoint;
  const device = (connection as ModbusPlan).devices.find(({ twin }) => twin === found.device);
  if (device === undefined || found.address === undefined || !isRegisterPoint(found) || isBitTable(found.address.address.table))
    throw new GatewayError('USAGE', found.id, 'only points in registers are decoded; this one is not in a register');
  const address = shifted(found.address.address, shift);
  const first = wireAddress(address, device.settings.addressBase);
  const length = Math.max(FROM_ON, found.address.length ?? 0);
  const read = (from: number, count: number) => readRaw(found, device.settings, from, count);
  const reader = { session, signal, read, maxCount: device.settings.maxRegistersPerRequest };
  const after = await readMost(reader, first, Math.min(length, MAX_WIRE_ADDRESS + 1 - first));
  if (typeof after === 'string') throw new GatewayError('DEVICE_EXCEPTION', found.id, `${addressText(address)}: ${after}`);
  const before = first < BEFORE ? '' : await readMost(reader, first - BEFORE, BEFORE);
  const rows = decodeRows(after, { address, point: found, isInRange });
  return { place: addressText(address), registers: seen(address, before, after), rows, best: bestOf(rows, found) };
}

function shifted(address: ModbusAddress, shift: number): ModbusAddress {
  const { bit: _, bits: __, ...place } = address;
  return { ...place, number: address.number + shift };
}

interface Reader {
  readonly session: DecodeRequest['session'];
  readonly signal: AbortSignal;
  readonly maxCount: number;
  read(from: number, count: number): RegisterPoint;
}

/** The registers from an address on, as many as the device gives; the status where it gives none. */
async function readMost(reader: Reader, from: number, most: number): Promise<Buffer | string> {
  let status = 'BadOutOfRange';
  for (let count = Math.min(most, reader.maxCount); count >= 1; count = Math.floor(count / 2)) {
    const [reading] = await reader.session.read([reader.read(from, count)], reader.signal);
    if (typeof reading?.value === 'string') return Buffer.from(reading.value, 'base64');
    status = reading?.status ?? status;
    if (status !== 'BadOutOfRange' && status !== 'BadInvalidArgument') break;
  }
  return status;
}

/** A point that is nothing but registers. */
function readRaw(point: RegisterPoint, { addressBase }: ModbusDevice, from: number, count: number): RegisterPoint {
  const { table } = point.address.address;
  const keys = pointSchema.parse({ address: { holding: 0 }, length: count });
  const address: ModbusAddress = { table, number: from + addressBase, notation: 'number' };
  return { ...point, id: `${point.id} raw`, type: 'bytes', address: { ...keys, address } };
}

function seen(address: ModbusAddress, before: Buffer | string, after: Buffer): readonly SeenRegister[] {
  const earlier = typeof before === 'string' ? [] : toHex(before).split(' ');
  const all = [...earlier, ...toHex(after).split(' ')];
  return all.map((hex, index) => ({ at: addressText({ ...address, number: address.number - earlier.length + index }), hex }));
}

/** The plausible row that is most like what the mapping has. */
function bestOf(rows: readonly DecodedRow[], point: RegisterPoint): number | undefined {
  const plausible = rows.filter(({ isPlausible }) => isPlausible);
  const { encoding, format } = point.address;
  const alike = plausible.filter((row) => row.type === point.type);
  const same = alike.find((row) => row.encoding === encoding && row.format === format);
  return (same ?? alike[0] ?? plausible[0])?.number;
}
