import { type GatewayError, toGatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { ModbusDevice } from '../mapping/settings.ts';
import { type Range, toItem } from '../planning/read-items.ts';
import { type Block, toBlock } from '../planning/read-plan.ts';
import type { RefusedRanges } from '../planning/refused-ranges.ts';
import type { Answer } from '../protocol/answer.ts';
import { exceptionNumber, isSilentBehindGateway } from '../protocol/exception.ts';
import type { ReadRequest } from '../protocol/request.ts';
import type { Ask } from '../wire/line.ts';
import type { PointResults } from './point-results.ts';

export interface BlocksRead<Result> {
  readonly results: readonly Result[];
  /** Ranges that were found to be refused, and were not known to be. */
  readonly newlyRefused: readonly Range[];
  readonly wereSplit: boolean;
}

export interface ReadContext {
  /** Takes the line for one request. */
  readonly ask: Ask;
  /** How many blocks may be asked for at once. */
  readonly atOnce: number;
  readonly device: ModbusDevice;
  /** What is learnt goes in here. */
  readonly refused: RefusedRanges;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The device has no such register, or does not give so many at once: exceptions 2 and 3. */
export const SPLIT_ON: ReadonlySet<number | undefined> = new Set([2, 3]);
/** A device whose every register is refused is found out in several polls: the line is there for others, too. */
const MAX_REFUSALS = 48;
const BUSY_WAITS_MS = [50, 200];

/**
 * Reads all; rejects only when the link is lost or aborted. A unit that does not answer is not asked for the rest. A block that
 * is refused is halved until the guilty items are alone: two requests for each halving where one item is bad.
 */
export async function readBlocks<Result>(
  blocks: readonly Block[],
  made: PointResults<Result>,
  context: ReadContext,
): Promise<BlocksRead<Result>> {
  const reading = new BlocksReading(made, context);
  const [only] = blocks;
  if (only !== undefined && blocks.length === 1) {
    await reading.read(only);
    return reading;
  }
  const waiting = [...blocks];
  const readOn = async (): Promise<void> => {
    for (let block = waiting.shift(); block !== undefined; block = waiting.shift()) await reading.read(block);
  };
  await Promise.all(Array.from({ length: Math.min(context.atOnce, blocks.length) }, readOn));
  return reading;
}

class BlocksReading<Result> implements BlocksRead<Result> {
  readonly #parts: (readonly Result[])[] = [];
  readonly newlyRefused: Range[] = [];
  wereSplit = false;
  readonly #made: PointResults<Result>;
  readonly #context: ReadContext;
  #silence: GatewayError | undefined;
  #refusals = 0;

  constructor(made: PointResults<Result>, context: ReadContext) {
    this.#made = made;
    this.#context = context;
  }

  get results(): readonly Result[] {
    const [only = []] = this.#parts;
    return this.#parts.length <= 1 ? only : ([] as readonly Result[]).concat(...this.#parts);
  }

  /** Whether the device gave the whole block at once. */
  async read(block: Block): Promise<boolean> {
    const { clock, refused, device } = this.#context;
    const result = this.#silence ?? (await askPatiently(block.request, this.#context));
    if (isAnswer(result)) {
      this.#parts.push(this.#made.read(block, result, clock.nowMs()));
      if (refused.hasAny(device.unit)) refused.answered(device.unit, rangeOf(block));
      return true;
    }
    if (!SPLIT_ON.has(exceptionNumber(result))) return this.#failed(block, result);
    this.#refusals += 1;
    if (block.items.length > 1 && this.#refusals < MAX_REFUSALS) return this.#readHalves(block, result);
    if (block.items.length === 1) this.#learn(rangeOf(block), result);
    return this.#failed(block, result);
  }

  /** Where both halves are answered it was what lies between them: unwanted cells that the device does not have, or the size. */
  async #readHalves({ items }: Block, error: GatewayError): Promise<false> {
    const { device } = this.#context;
    this.wereSplit = true;
    const half = Math.ceil(items.length / 2);
    const [left, right] = [toBlock(items.slice(0, half), device), toBlock(items.slice(half), device)];
    const areAnswered = [await this.read(left), await this.read(right)];
    const [before, behind] = [rangeOf(left), rangeOf(right)];
    const [from, to] = [Math.min(before.to, behind.from) - 1, Math.max(before.to, behind.from) + 1];
    if (areAnswered.every(Boolean)) this.#learn({ table: before.table, from, to, isAtOnce: true }, error);
    return false;
  }

  #learn(range: Range, error: GatewayError): void {
    if (this.#context.refused.refused(this.#context.device.unit, range, error)) this.newlyRefused.push(range);
  }

  #failed(block: Block, error: GatewayError): false {
    const timeMs = this.#context.clock.nowMs();
    if (error.code === 'DEVICE_TIMEOUT' || isSilentBehindGateway(error)) this.#silence = error;
    this.#parts.push(block.points.map((place) => this.#made.failed(place, error, timeMs)));
    return false;
  }
}

function rangeOf({ items }: Block): Range {
  const { table, from, to } = toItem(items.flatMap(({ points }) => points));
  return { table, from, to };
}

/** Asks again after a moment where the device is busy; the line is free for others meanwhile. */
export async function askPatiently(
  request: ReadRequest,
  { ask, clock, signal }: Pick<ReadContext, 'ask' | 'clock' | 'signal'>,
): Promise<Answer | GatewayError> {
  for (let attempt = 0; ; attempt += 1) {
    const result = await ask(request).catch(toError);
    signal.throwIfAborted();
    if (isAnswer(result)) return result;
    if (result.rule.kind !== 'device') throw result;
    const waitMs = BUSY_WAITS_MS[attempt];
    if (result.code !== 'DEVICE_BUSY' || waitMs === undefined) return result;
    await clock.sleep(waitMs, signal);
  }
}

function toError(error: unknown): GatewayError {
  return toGatewayError(error, 'modbus');
}

export function isAnswer(result: Answer | GatewayError): result is Answer {
  return !(result instanceof Error);
}
