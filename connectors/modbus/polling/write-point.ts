import { type ErrorCode, GatewayError, toGatewayError } from '../../../src/model/error.ts';
import { isArray, type Value } from '../../../src/model/value.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Write, WriteResult } from '../../../src/southbound/connector.ts';
import { type Encoded, toBoolean, wrongType } from '../codec/codec.ts';
import { beside } from '../codec/codec-parts.ts';
import { toHex } from '../codec/registers.ts';
import type { PlacedPoint } from '../planning/read-items.ts';
import { exceptionNumber } from '../protocol/exception.ts';
import type { WriteRequest } from '../protocol/request.ts';
import type { Ask, Line } from '../wire/line.ts';

export interface WriteContext {
  readonly line: Line;
  readonly unit: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const BUSY = 6;
const BUSY_WAITS_MS = [50, 200];

/**
 * Writes one point, before anything that is only polled. Never repeated after silence: whether it was done is then unknown. A
 * device that says it is busy has not done it and is asked again. Rejects only when the link is lost or aborted.
 */
export async function writePoint(
  { point, value }: Write,
  place: PlacedPoint,
  { line, unit, clock, signal }: WriteContext,
): Promise<WriteResult> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await line.use({ unit }, signal, (ask) => writeOnce(ask, { point, value }, place, unit));
      return { written: true };
    } catch (cause) {
      signal.throwIfAborted();
      const error = toGatewayError(cause, point.id);
      if (error.rule.kind === 'link') throw error;
      const waitMs = BUSY_WAITS_MS[attempt];
      if (exceptionNumber(error) !== BUSY || waitMs === undefined) return { written: false, error: explain(error, place) };
      await clock.sleep(waitMs, signal);
    }
  }
}

async function writeOnce(ask: Ask, { point, value }: Write, read: PlacedPoint, unit: number): Promise<void> {
  const { writeWith } = read.point.address;
  if (read.table === 'coil') return confirm(ask, coilRequest(unit, read, coilsOf(value, read, point.id)));
  const number = await besideExponent(ask, value, read, unit);
  const { registers, mask } = read.layout.codec.encode(number, point.id);
  const place = placeOfValue(read);
  if (mask === undefined && writeWith === 'read-write') return writeAndCompare(ask, place, unit, registers);
  if (mask === undefined) return confirm(ask, registerRequest(unit, place, registers));
  if (writeWith === undefined || writeWith === 'mask') return writeMasked(ask, place, unit, { registers, mask });
  return changeWhatIsThere(ask, place, unit, { registers, mask });
}

/** The exponent is read right before the write, and nobody else gets the line in between. */
async function besideExponent(ask: Ask, value: Value, { point, address, layout }: PlacedPoint, unit: number): Promise<Value> {
  if (layout.exponentAt === undefined) return value;
  const register = await ask({ function: 3, unit, address: address + layout.exponentAt, count: 1 });
  if (!Buffer.isBuffer(register)) throw new GatewayError('BUG', point.id, 'a register was read, something else came');
  return beside(register, point.address.byteOrder, value, point.id);
}

/** Without the exponent that is read with it. */
function placeOfValue(place: PlacedPoint): PlacedPoint {
  const { address, layout } = place;
  return { ...place, address: address + layout.valueAt, layout: { ...layout, size: layout.valueSize } };
}

async function confirm(ask: Ask, request: WriteRequest): Promise<void> {
  await ask(request);
}

function coilsOf(value: Value, { layout }: PlacedPoint, subject: string): readonly boolean[] {
  if (layout.count === undefined) return [toBoolean(value, subject)];
  if (!isArray(value) || value.length !== layout.count) throw wrongType(`an array of ${layout.count} values`, value, subject);
  return value.map((one, index) => toBoolean(one ?? 'null', `${subject}[${index}]`));
}

function isMultiple({ point, layout }: PlacedPoint): boolean {
  return point.address.writeWith === 'multiple' || layout.size > 1;
}

function coilRequest(unit: number, place: PlacedPoint, values: readonly boolean[]): WriteRequest {
  const { address } = place;
  if (isMultiple(place)) return { function: 15, unit, address, values };
  return { function: 5, unit, address, value: values[0] === true };
}

function registerRequest(unit: number, place: PlacedPoint, registers: Buffer): WriteRequest {
  const { address } = place;
  if (isMultiple(place)) return { function: 16, unit, address, registers };
  return { function: 6, unit, address, value: registers.readUInt16BE() };
}

/** Function 22 for each register of which bits change: the device changes them, and nobody can come in between. */
async function writeMasked(ask: Ask, { address }: PlacedPoint, unit: number, { registers, mask }: Required<Encoded>) {
  for (let at = 0; at < mask.length; at += 2) {
    const bits = mask.readUInt16BE(at);
    if (bits === 0) continue;
    const and = ~bits & 0xffff;
    await ask({ function: 22, unit, address: address + at / 2, and, or: registers.readUInt16BE(at) });
  }
}

/** Bits of registers are changed in what is there now; nobody else gets the line in between. */
async function changeWhatIsThere(ask: Ask, place: PlacedPoint, unit: number, { registers, mask }: Required<Encoded>) {
  const { address, layout } = place;
  const current = await ask({ function: 3, unit, address, count: layout.size });
  if (!Buffer.isBuffer(current)) throw new GatewayError('BUG', place.point.id, 'registers were read, something else came');
  const changed = current.map((byte, at) => (byte & ~(mask[at] ?? 0)) | (registers[at] ?? 0));
  return confirm(ask, registerRequest(unit, place, Buffer.from(changed)));
}

/** Function 23: what the device shows right after the write comes in the same answer. */
async function writeAndCompare(
  ask: Ask,
  { point, address, layout }: PlacedPoint,
  unit: number,
  registers: Buffer,
): Promise<void> {
  const shown = await ask({ function: 23, unit, address, count: layout.size, writeAddress: address, registers });
  if (Buffer.isBuffer(shown) && shown.equals(registers)) return;
  const seen = Buffer.isBuffer(shown) ? toHex(shown) : 'nothing';
  throw new GatewayError('COMMAND_FAILED', point.id, `wrote ${toHex(registers)}, the device shows ${seen}`);
}

const ILLEGAL_FUNCTION = 1;
/** The device has taken the request and is not done with it. */
const ACKNOWLEDGED = 5;
/** Silence, an answer that cannot be believed, or a converter that heard no confirmation. */
const OF_UNKNOWN_OUTCOME: ReadonlySet<ErrorCode> = new Set(['DEVICE_TIMEOUT', 'DEVICE_BAD_FRAME', 'DEVICE_UNREACHABLE']);
/** Functions that not every device knows, and what to do then. */
const HINTS: Readonly<Record<string, string>> = {
  mask: 'the device does not know function 22 (mask write); `writeWith: single` changes the bits in what was read before',
  'read-write': 'the device does not know function 23 (read and write); leave out `writeWith`',
};

function explain(error: GatewayError, { point, layout }: PlacedPoint): GatewayError {
  const { writeWith = layout.isPart ? 'mask' : 'single' } = point.address;
  const hint = exceptionNumber(error) === ILLEGAL_FUNCTION ? HINTS[writeWith] : undefined;
  if (hint !== undefined) return new GatewayError(error.code, point.id, `${hint} (${error.message})`, { cause: error });
  const code = exceptionNumber(error) === ACKNOWLEDGED ? 'DEVICE_TIMEOUT' : error.code;
  if (!OF_UNKNOWN_OUTCOME.has(code)) return error;
  return new GatewayError(code, point.id, `whether it was written is unknown: ${error.message}`, { cause: error });
}
