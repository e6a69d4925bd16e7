import type { PointResult } from '../model/command.ts';
import type { GatewayError } from '../model/error.ts';
import type { PointPlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import { describeValue, type Value } from '../model/value.ts';
import type { ConnectorSession, WriteResult } from '../southbound/connector.ts';
import { isCertainlyNotDone } from './certainty.ts';
import { type Finding, finding, toFinding } from './finding.ts';
import { isTaken } from './same-value.ts';
import type { Target } from './target.ts';

export interface PreparedWrite {
  readonly target: Target;
  /** The device's own value. */
  readonly value: Value;
}

export type ToEngineering = (plan: PointPlan, reading: Reading) => Reading;

export interface VerifyOptions {
  readonly engineering: ToEngineering;
  readonly clock: { monotonicMs(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> };
}

/**
 * Writes once, reads back, compares; again and again where a device may take its time (`confirmWithin`). Never writes again: a
 * second write could hit what a person has changed meanwhile.
 */
export async function writeAndVerify(
  session: ConnectorSession,
  writes: readonly PreparedWrite[],
  { engineering, clock }: VerifyOptions,
  signal: AbortSignal,
): Promise<Readonly<Record<string, PointResult>>> {
  const startedMs = clock.monotonicMs();
  const written = await write(session, writes, signal);
  if (written instanceof Error) return resultsOf(writes, () => unknown(written));
  const readable = writes.filter(({ target }, index) => target.plan.point.access !== 'write' && mayBeWritten(written[index]));
  const readBack = await readAgain(session, readable, signal);
  for (let waitMs = FIRST_LOOK_MS; !(readBack instanceof Error); waitMs = Math.min(2 * waitMs, LONGEST_LOOK_MS)) {
    const passedMs = clock.monotonicMs() - startedMs;
    const open = readable.filter((prepared) => isOpen(prepared, readBack, passedMs));
    if (open.length === 0) break;
    const leftMs = Math.max(...open.map(confirmWithinMs)) - passedMs;
    if (!(await sleeps(clock, Math.min(waitMs, leftMs), signal))) break;
    const again = await readAgain(session, open, signal);
    if (again instanceof Error) break;
    for (const [id, reading] of again) readBack.set(id, reading);
  }
  return resultsOf(writes, (prepared, index) => judge(prepared, written[index], readBack, engineering));
}

/** Between two looks at a value that is not there yet. */
const FIRST_LOOK_MS = 20;
const LONGEST_LOOK_MS = 500;

async function sleeps(clock: VerifyOptions['clock'], ms: number, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, signal).then(
    () => true,
    () => false,
  );
}

function confirmWithinMs({ target }: PreparedWrite): number {
  return target.plan.write?.confirmWithinMs ?? 0;
}

/** The device does not show the value yet, and has time left. */
function isOpen(prepared: PreparedWrite, readBack: ReadonlyMap<string, Reading>, passedMs: number): boolean {
  const { point } = prepared.target.plan;
  const value = readBack.get(point.id)?.value ?? null;
  return passedMs < confirmWithinMs(prepared) && (value === null || !isTaken(point.type, prepared.value, value));
}

async function write(
  session: ConnectorSession,
  writes: readonly PreparedWrite[],
  signal: AbortSignal,
): Promise<readonly WriteResult[] | Error> {
  try {
    return await session.write(
      writes.map(({ target, value }) => ({ point: target.plan.point, value })),
      signal,
    );
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** By point id; an error where the link was lost before the answer. */
async function readAgain(
  session: ConnectorSession,
  writes: readonly PreparedWrite[],
  signal: AbortSignal,
): Promise<Map<string, Reading> | Error> {
  if (writes.length === 0) return new Map();
  try {
    const readings = await session.read(
      writes.map(({ target }) => target.plan.point),
      signal,
    );
    return new Map(readings.map((reading) => [reading.point.id, reading]));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function judge(
  { target, value }: PreparedWrite,
  result: WriteResult | undefined,
  readBack: ReadonlyMap<string, Reading> | Error,
  toEngineering: ToEngineering,
): PointResult {
  const { plan } = target;
  const error = errorOf(result);
  if (!mayBeWritten(result)) return { status: 'failed', error: toFinding(error) };
  if (plan.point.access === 'write') return error === undefined ? { status: 'written' } : unknown(error);
  if (readBack instanceof Error) return unknown(error ?? readBack);
  const reading = readBack.get(plan.point.id);
  if (reading === undefined || reading.quality === 'bad' || reading.value === null) {
    return error === undefined ? notReadBack(reading) : unknown(error);
  }
  const seen = { value: toEngineering(plan, reading).value };
  if (isTaken(plan.point.type, value, reading.value)) return { status: 'written', ...seen };
  if (error !== undefined) return { ...unknown(error), ...seen };
  return { status: 'failed', ...seen, error: differs(target.wanted, seen.value) };
}

function differs(wanted: Value, seen: Value | null): Finding {
  return finding('COMMAND_FAILED', `wrote ${describeValue(wanted)}, read back ${describeValue(seen)}`);
}

function mayBeWritten(result: WriteResult | undefined): boolean {
  const error = errorOf(result);
  return error === undefined || !isCertainlyNotDone(error);
}

function errorOf(result: WriteResult | undefined): GatewayError | undefined {
  return result === undefined || result.written ? undefined : result.error;
}

function notReadBack(reading: Reading | undefined): PointResult {
  const message = `the device took the value but does not show it: ${reading?.status ?? 'no reading'}`;
  return { status: 'unknown', error: finding('COMMAND_FAILED', message) };
}

function unknown(error: Error): PointResult {
  return { status: 'unknown', error: toFinding(error) };
}

function resultsOf(
  writes: readonly PreparedWrite[],
  result: (prepared: PreparedWrite, index: number) => PointResult,
): Readonly<Record<string, PointResult>> {
  return Object.fromEntries(writes.map((prepared, index) => [prepared.target.name, result(prepared, index)]));
}
