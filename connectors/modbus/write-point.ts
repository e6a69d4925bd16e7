import { GatewayError, toGatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Write, WriteResult } from '../../src/southbound/connector.ts';
import { encodeValue, toBoolean, withBit } from './codec.ts';
import { exceptionNumber } from './exception.ts';
import type { Ask, Line } from './line.ts';
import type { PlacedPoint } from './read-items.ts';
import type { WriteRequest } from './request.ts';

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
      await line.use('command', signal, (ask) => writeOnce(ask, { point, value }, place, unit));
      return { written: true };
    } catch (cause) {
      signal.throwIfAborted();
      const error = toGatewayError(cause, point.id);
      if (error.rule.kind === 'link') throw error;
      const waitMs = BUSY_WAITS_MS[attempt];
      if (exceptionNumber(error) !== BUSY || waitMs === undefined) return { written: false, error: explain(error, point.id) };
      await clock.sleep(waitMs, signal);
    }
  }
}

/** A bit of a register is changed in what is there now; nobody else gets the line in between. */
async function writeOnce(ask: Ask, { point, value }: Write, place: PlacedPoint, unit: number): Promise<void> {
  const { address, layout } = place;
  const isMultiple = (point.address as { writeWith?: string }).writeWith === 'multiple' || layout.size > 1;
  if (place.table === 'coil') return confirm(ask, coilRequest(unit, address, toBoolean(value, point.id), isMultiple));
  if (layout.bit === undefined)
    return confirm(ask, registerRequest(unit, address, encodeValue(value, layout, point.id), isMultiple));
  const isSet = toBoolean(value, point.id);
  const current = await ask({ function: 3, unit, address, count: 1 });
  const changed = Buffer.alloc(2);
  changed.writeUInt16BE(withBit(Buffer.isBuffer(current) ? current.readUInt16BE() : 0, layout.bit, isSet));
  return confirm(ask, registerRequest(unit, address, changed, isMultiple));
}

async function confirm(ask: Ask, request: WriteRequest): Promise<void> {
  await ask(request);
}

function coilRequest(unit: number, address: number, value: boolean, isMultiple: boolean): WriteRequest {
  return isMultiple ? { function: 15, unit, address, values: [value] } : { function: 5, unit, address, value };
}

function registerRequest(unit: number, address: number, registers: Buffer, isMultiple: boolean): WriteRequest {
  if (isMultiple) return { function: 16, unit, address, registers };
  return { function: 6, unit, address, value: registers.readUInt16BE() };
}

function explain(error: GatewayError, subject: string): GatewayError {
  if (error.code !== 'DEVICE_TIMEOUT' && error.code !== 'DEVICE_BAD_FRAME') return error;
  return new GatewayError(error.code, subject, `whether it was written is unknown: ${error.message}`, { cause: error });
}
