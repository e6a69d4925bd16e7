import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draft } from '../src/model/draft.ts';
import type { DrainPlan } from '../src/model/plan.ts';
import { countReadings, type Stored } from '../src/model/twin-message.ts';
import { type Forwarding, startForwarding } from '../src/northbound/forwarder.ts';
import { createMqttHub } from '../src/northbound/mqtt-hub.ts';
import { systemClock as clock } from '../src/runtime/clock.ts';
import { silentLog as log } from '../src/runtime/log.ts';
import { openSpool } from '../src/spool/open-spool.ts';
import type { Spool } from '../src/spool/spool.ts';
import type { Bench } from './harness/bench.ts';
import { startBenchBroker } from './harness/broker.ts';
import { benchDialect } from './harness/dialect.ts';
import type { Effort } from './harness/effort.ts';
import { median, spread } from './harness/median.ts';
import { benchDrafts } from './harness/messages.ts';
import type { Row } from './harness/row.ts';

const LIVE_READINGS_PER_S = 10_000;
const TICK_MS = 20;
/** What may wait in memory is bounded. */
const AT_ONCE = 1_000;
const GATEWAY = { id: 'bench-gateway', labels: {} };

interface Drained {
  /** Of what waited. */
  readonly readingsPerSecond: number;
  /** From the append to the acknowledgement of what came while the rest drained, milliseconds. */
  readonly latencyMs: number;
}

/** An outage is over and new data comes on: how fast what waited drains beside it, and how long what is new takes. */
export const drain: Bench = async (effort) => {
  const broker = await startBenchBroker();
  try {
    const rows: Row[] = [];
    for (const order of ['live-first', 'in-order'] as const) {
      const runs: Drained[] = [];
      for (let run = 0; run < effort.runs; run += 1) runs.push(await drained(broker.port, { order }, effort));
      rows.push(...toRows(order, runs, broker.name));
    }
    return rows;
  } finally {
    await broker.stop();
  }
};

function toRows(order: string, runs: readonly Drained[], broker: string): readonly Row[] {
  const rates = runs.map(({ readingsPerSecond }) => readingsPerSecond);
  const drainRow = {
    ...{ name: `drain ${order}`, unit: 'readings/s', ours: median(rates), limit: LIVE_READINGS_PER_S },
    ...{ ratio: median(rates) / LIVE_READINGS_PER_S, spread: spread(rates.map((rate) => rate / LIVE_READINGS_PER_S)) },
    ...{ runs: runs.length, note: `the rate at which new readings come meanwhile; to ${broker}; 5 is wanted` },
  };
  if (order === 'in-order') return [drainRow];
  const latencies = runs.map(({ latencyMs }) => latencyMs);
  const note = 'from the append to the acknowledgement, 99 of 100 new messages, while what waited drains; below 1 is wanted';
  const latencyRow = {
    ...{ name: `drain ${order}, live latency p99`, unit: 'ms', ours: median(latencies), limit: 2_000 },
    ...{ ratio: median(latencies) / 2_000, spread: spread(latencies.map((ms) => ms / 2_000)), runs: runs.length, note },
  };
  return [drainRow, latencyRow];
}

async function drained(port: number, drain: DrainPlan, { isQuick }: Effort): Promise<Drained> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-drain-'));
  const limits = { maxBytes: 2 ** 30, maxAgeMs: 86_400_000, whenFull: 'drop-oldest' } as const;
  const spool = await openSpool({ directory, ...limits, hubs: ['cloud'], onEvent: () => {} });
  let forwarding: Forwarding | undefined;
  try {
    const waiting = benchDrafts('press-00', isQuick ? 500 : 12_000);
    for (let at = 0; at < waiting.length; at += AT_ONCE) await spool.append(waiting.slice(at, at + AT_ONCE));
    const live = new Live(spool);
    const stop = new AbortController();
    const { promise: isDrained, resolve } = Promise.withResolvers<void>();
    let left = waiting.length;
    const feeding = live.feed(stop.signal);
    const startMs = performance.now();
    forwarding = startForwarding({
      hub: createMqttHub('cloud', await benchDialect(port, GATEWAY), clock),
      reader: spool.reader('cloud'),
      ...{ drain, gateway: GATEWAY.id, clock, log },
      execute: async ({ id, device }) => ({ id, device, status: 'refused', points: {} }),
      onAcknowledged: (stored) => {
        if (live.took(stored)) return;
        left -= 1;
        if (left === 0) resolve();
      },
    });
    await isDrained;
    const seconds = (performance.now() - startMs) / 1_000;
    stop.abort();
    await feeding;
    return { readingsPerSecond: readingsOf(waiting) / seconds, latencyMs: live.latencyMs(99) };
  } finally {
    await forwarding?.stop(1_000);
    await spool.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** New messages of a twin of its own at a fixed rate, however fast anything else goes. */
class Live {
  readonly #spool: Spool;
  readonly #drafts = benchDrafts('press-01', 200);
  readonly #appendedMs: number[] = [];
  readonly #latencies: number[] = [];

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  async feed(signal: AbortSignal): Promise<void> {
    const perSecond = LIVE_READINGS_PER_S / (readingsOf(this.#drafts) / this.#drafts.length);
    const startMs = performance.now();
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - startMs) / 1_000) * perSecond);
      const drafts: Draft[] = [];
      while (this.#appendedMs.length < due) {
        const draft = this.#drafts[this.#appendedMs.length % this.#drafts.length];
        this.#appendedMs.push(performance.now());
        if (draft !== undefined) drafts.push(draft);
      }
      if (drafts.length > 0) void this.#spool.append(drafts);
      await sleep(TICK_MS);
    }
  }

  /** `false`: it is of what waited. */
  took({ message, sequence }: Stored): boolean {
    if (message.twin !== 'press-01') return false;
    this.#latencies.push(performance.now() - (this.#appendedMs[sequence - 1] ?? 0));
    return true;
  }

  latencyMs(percent: number): number {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return sorted[Math.floor((sorted.length * percent) / 100)] ?? 0;
  }
}

function readingsOf(drafts: readonly Draft[]): number {
  return drafts.reduce((sum, { message }) => sum + countReadings(message), 0);
}
