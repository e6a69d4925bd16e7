import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../../src/model/error.ts';
import type { ConnectorSession } from '../../../src/southbound/connector.ts';
import type { ScanEvent, ScanRequest } from '../../../src/southbound/scan-tool.ts';
import { createConnector } from '../connector.ts';
import { findRanges } from './scan-ranges.ts';
import { type Approach, type ScanPlan, scanPlan } from './scan-target.ts';
import { identify, probe } from './scan-unit.ts';

/**
 * Looks for units: asks each for its first holding register; an exception is an answer, too. On a serial line with each baud rate
 * and parity, the likely first, until somebody answers: all units of a line speak alike. Reads only.
 */
export async function* scan(request: ScanRequest): AsyncGenerator<ScanEvent> {
  const { target, options, signal } = request;
  const plan = scanPlan(target, options);
  const { units, timeoutMs, approaches } = plan;
  const seconds = Math.ceil((approaches.length * units.length * timeoutMs) / 1_000);
  const tries = approaches.length > 1 ? `, with ${approaches.length} combinations of baud rate and parity` : '';
  yield {
    kind: 'plan',
    text: `${units.length} units${tries}, each asked once; at most ${describeSeconds(seconds)} if nobody answers`,
    data: { units: units.length, approaches: approaches.length, timeoutMs, mostSeconds: seconds },
  };
  let found = 0;
  for (const { approach, asked, others, text } of rounds(plan)) {
    if (text !== '') yield { kind: 'trying', text, data: approach.keys };
    for await (const event of scanUnits(approach, asked, request)) {
      if (event.kind === 'found') found += 1;
      yield event;
    }
    if (found === 0) continue;
    for await (const event of scanUnits(approach, others, request)) {
      if (event.kind === 'found') found += 1;
      yield event;
    }
    break;
  }
  signal.throwIfAborted();
  const isEverybody = found > 1 && found === units.length;
  const note = isEverybody ? '; every number answers, so it may be one device that does not look at it: use unit 1' : '';
  yield { kind: 'done', text: `${found} of ${units.length} units answer${note}`, data: { found } };
}

interface Round {
  readonly approach: Approach;
  readonly asked: readonly number[];
  /** Are asked where one of those answers. */
  readonly others: readonly number[];
  readonly text: string;
}

const LIKELY_UNITS = 8;

/** Most lines have a unit among the first numbers: those are tried with every baud rate and parity before the others with any. */
function* rounds({ units, approaches }: ScanPlan): Generator<Round> {
  const asked = approaches.length > 1 ? units.slice(0, LIKELY_UNITS) : units;
  const others = units.slice(asked.length);
  const name = (which: string, { length }: readonly number[]) => (others.length === 0 ? '' : `, the ${which} ${length} units`);
  for (const approach of approaches) yield { approach, asked, others, text: `${approach.text}${name('first', asked)}` };
  if (others.length === 0) return;
  for (const approach of approaches)
    yield { approach, asked: others, others: [], text: `${approach.text}${name('other', others)}` };
}

async function* scanUnits(approach: Approach, units: readonly number[], request: ScanRequest): AsyncGenerator<ScanEvent> {
  const { options, context, signal } = request;
  await using line = new ScanLine(approach, context, signal);
  for (const unit of units) {
    const answer = await line.ask((session) => probe(session, unit, signal));
    if (answer.kind === 'silent') continue;
    if (answer.kind === 'damaged') {
      yield { kind: 'damaged', text: describeDamage(approach, unit, answer.reason), data: { unit, reason: answer.reason } };
      continue;
    }
    const identification = await line.ask((session) => identify(session, unit, signal));
    const who = Object.values(identification).join(', ');
    const text = `unit ${unit}: ${answer.text}${who === '' ? '' : ` · ${who}`}`;
    yield { kind: 'found', text, data: { ...approach.keys, unit, answer: answer.text, identification } };
    if (options.ranges === undefined) continue;
    yield* findRanges(unit, options.ranges, (point) => line.ask((session) => session.read([point], signal)));
  }
}

function describeDamage({ plan }: Approach, unit: number, reason: string): string {
  if (plan.protocol === 'modbus-tcp') return `something answers unit ${unit}, but not as it is asked (${reason})`;
  return `something answers unit ${unit}, but damaged: another baud rate or parity, or two devices with one number (${reason})`;
}

const REOPENINGS = 3;
const REOPEN_AFTER_MS = 200;

/** The connection of a scan. Some devices close it when they are asked for a number that they do not like. */
class ScanLine {
  readonly #approach: Approach;
  readonly #context: ScanRequest['context'];
  readonly #signal: AbortSignal;
  #session: ConnectorSession | undefined;

  constructor(approach: Approach, context: ScanRequest['context'], signal: AbortSignal) {
    this.#approach = approach;
    this.#context = context;
    this.#signal = signal;
  }

  async ask<T>(task: (session: ConnectorSession) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      this.#signal.throwIfAborted();
      this.#session ??= await createConnector(this.#approach.plan, this.#context).open(this.#signal);
      try {
        return await task(this.#session);
      } catch (error) {
        this.#signal.throwIfAborted();
        const isLost = error instanceof GatewayError && error.rule.kind === 'link';
        if (!isLost || attempt > REOPENINGS) throw error;
        await this.#close();
        await sleep(REOPEN_AFTER_MS * attempt, undefined, { signal: this.#signal });
      }
    }
  }

  async #close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

function describeSeconds(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
