import type { GatewayPlan } from '../model/plan.ts';
import { countReadings, type Stored } from '../model/twin-message.ts';
import type { Recorder } from '../simulator/recorder.ts';
import { formatBytes } from './live-view.ts';

export interface DemoSummary {
  readonly readings: number;
  readonly messages: number;
  readonly bytes: number;
  /** Sequence numbers that never came to the broker. */
  readonly losses: number;
  /** Losses that the gateway itself told. */
  readonly gapRecords: number;
  /** Readings that could not be made: a poll came too late, a device did not answer. */
  readonly unmeasured: number;
  readonly duplicates: number;
  /** From the source time of a reading to the acknowledgement of its message, milliseconds. */
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  readonly protocols: Readonly<Record<string, { readonly readings: number; readonly messages: number }>>;
  /** Acknowledged by nobody when the demo ended, and gone with its spool. */
  readonly waiting: number;
  /** Every protocol delivered and nothing was lost. */
  readonly ok: boolean;
}

const KEPT_LATENCIES = 100_000;

/** Adds up what the hub acknowledged while the demo runs. */
export class DemoMeasurement {
  readonly #protocolOf: ReadonlyMap<string, string>;
  readonly #protocols: Map<string, { readings: number; messages: number }>;
  /** The newest, as a ring. */
  readonly #latenciesMs: number[] = [];
  #readings = 0;
  #bytes = 0;

  constructor({ connections }: GatewayPlan) {
    this.#protocolOf = new Map(
      connections.flatMap(({ protocol, devices }) => devices.map(({ twin }) => [twin, protocol] as const)),
    );
    this.#protocols = new Map(connections.map(({ protocol }) => [protocol, { readings: 0, messages: 0 }]));
  }

  acknowledged({ message }: Stored, bytes: number, atMs: number): void {
    const counts = this.#protocols.get(this.#protocolOf.get(message.twin) ?? '');
    if (counts !== undefined) {
      counts.messages += 1;
      counts.readings += countReadings(message);
    }
    this.#bytes += bytes;
    for (const values of Object.values(message.values)) {
      for (const [offsetMs] of values) this.#keep(atMs - message.startTimeMs - offsetMs);
    }
  }

  summary(recorder: Recorder, waiting: number): DemoSummary {
    const protocols = Object.fromEntries(this.#protocols);
    const all = Object.values(protocols);
    const losses = recorder.total('missing');
    const gapRecords = recorder.total('gapRecords');
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    return {
      readings: all.reduce((sum, { readings }) => sum + readings, 0),
      messages: all.reduce((sum, { messages }) => sum + messages, 0),
      bytes: this.#bytes,
      losses,
      gapRecords,
      unmeasured: recorder.total('unmeasured'),
      duplicates: recorder.total('duplicates'),
      latencyMs: { p50: at(0.5), p99: at(0.99) },
      protocols,
      waiting,
      ok: losses === 0 && gapRecords === 0 && all.every(({ readings }) => readings > 0),
    };
  }

  #keep(latencyMs: number): void {
    this.#latenciesMs[this.#readings % KEPT_LATENCIES] = latencyMs;
    this.#readings += 1;
  }
}

export function formatSummary(summary: DemoSummary): string {
  const { readings, messages, bytes, losses, gapRecords, unmeasured, duplicates, latencyMs, protocols, waiting, ok } = summary;
  const rows = Object.entries(protocols).map(
    ([protocol, counts]) => `  ${protocol.padEnd(20)} ${counts.readings} readings in ${counts.messages} messages`,
  );
  return [
    `delivered    ${readings} readings in ${messages} messages, ${formatBytes(bytes)}`,
    ...rows,
    `lost         ${losses} messages (${gapRecords} gap records, ${duplicates} duplicates)`,
    ...(waiting === 0
      ? []
      : [`waiting      ${waiting} messages when the demo ended, and its spool with it: the broker was away`]),
    ...(unmeasured === 0 ? [] : [`not measured ${unmeasured} readings, told in gap records`]),
    `latency      p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, from source time to acknowledgement`,
    ok
      ? `every protocol delivered, nothing was lost${waiting === 0 ? '' : ' but what waited'}`
      : 'NOT every protocol delivered, or something was lost',
    '',
  ].join('\n');
}
