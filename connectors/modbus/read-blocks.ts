import { type GatewayError, toGatewayError } from '../../src/model/error.ts';
import type { Value } from '../../src/model/value.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Answer } from './answer.ts';
import { decodeValue } from './codec.ts';
import { exceptionNumber } from './exception.ts';
import type { Ask } from './line.ts';
import { type Block, type PlacedPoint, planReads } from './read-plan.ts';
import type { ReadRequest } from './request.ts';
import type { ModbusDevice } from './settings.ts';

/** What came of one point. `raw`: for people, and made only for them. */
export type Outcome =
  | { readonly place: PlacedPoint; readonly value: Value; readonly timeMs: number; raw(): string }
  | { readonly place: PlacedPoint; readonly error: GatewayError; readonly timeMs: number };

export interface BlocksRead {
  readonly outcomes: readonly Outcome[];
  /** The blocks that the device answers, where those asked were split. */
  readonly blocks: readonly Block[];
  readonly wereSplit: boolean;
}

export interface ReadContext {
  /** Takes the line for one request. */
  readonly ask: Ask;
  readonly device: ModbusDevice;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The device has no such register, or does not give so many at once: exceptions 2 and 3. */
const SPLIT_ON: ReadonlySet<number | undefined> = new Set([2, 3]);
const BUSY_WAITS_MS = [50, 200];

/** Reads all; rejects only when the link is lost or aborted. A unit that does not answer is not asked for the rest. */
export async function readBlocks(blocks: readonly Block[], context: ReadContext): Promise<BlocksRead> {
  const outcomes: Outcome[] = [];
  const answered: Block[] = [];
  const waiting = [...blocks];
  let wereSplit = false;
  let silence: GatewayError | undefined;
  for (let block = waiting.shift(); block !== undefined; block = waiting.shift()) {
    const result = silence ?? (await askPatiently(block.request, context));
    const timeMs = context.clock.nowMs();
    if (isAnswer(result)) {
      outcomes.push(...block.points.map((place) => decode(place, block.request, result, timeMs)));
      answered.push(block);
    } else if (block.points.length > 1 && SPLIT_ON.has(exceptionNumber(result))) {
      wereSplit = true;
      waiting.unshift(...split(block, context.device));
    } else {
      if (result.code === 'DEVICE_TIMEOUT' && exceptionNumber(result) === undefined) silence = result;
      outcomes.push(...block.points.map((place) => ({ place, error: result, timeMs })));
    }
  }
  return { outcomes, blocks: answered, wereSplit };
}

/** Asks again after a moment where the device is busy; the line is free for others meanwhile. */
async function askPatiently(request: ReadRequest, { ask, clock, signal }: ReadContext): Promise<Answer | GatewayError> {
  for (let attempt = 0; ; attempt += 1) {
    const result = await ask(request).catch((error: unknown) => toGatewayError(error, 'modbus'));
    signal.throwIfAborted();
    if (isAnswer(result)) return result;
    if (result.rule.kind !== 'device') throw result;
    const waitMs = BUSY_WAITS_MS[attempt];
    if (result.code !== 'DEVICE_BUSY' || waitMs === undefined) return result;
    await clock.sleep(waitMs, signal);
  }
}

function isAnswer(result: Answer | GatewayError): result is Answer {
  return !(result instanceof Error);
}

function split({ points }: Block, device: ModbusDevice): readonly Block[] {
  const sorted = points.toSorted((a, b) => a.address - b.address);
  const half = Math.ceil(sorted.length / 2);
  return [...planReads(sorted.slice(0, half), device), ...planReads(sorted.slice(half), device)];
}

function decode(place: PlacedPoint, request: ReadRequest, answer: Answer, timeMs: number): Outcome {
  const start = place.address - request.address;
  if (Buffer.isBuffer(answer)) {
    const registers = answer.subarray(2 * start, 2 * (start + place.layout.size));
    return { place, value: decodeValue(registers, place.layout), timeMs, raw: () => toHex(registers) };
  }
  const isSet = Array.isArray(answer) && answer[start] === true;
  return { place, value: isSet, timeMs, raw: () => (isSet ? '1' : '0') };
}

/** Registers as on the wire: `42F6 E979`. */
function toHex(registers: Buffer): string {
  return (registers.toString('hex').toUpperCase().match(/.{4}/g) ?? []).join(' ');
}
