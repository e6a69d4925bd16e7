import assert from 'node:assert/strict';
import type { ConnectionPlan } from '../../src/model/plan.ts';
import type { Reading } from '../../src/model/reading.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { type Random, seededRandom } from '../../src/simulator/random.ts';
import { acquire } from '../../src/southbound/acquisition.ts';
import type { Connector } from '../../src/southbound/connector.ts';
import { assertNoGrowth, seeds, tell, usedBytes } from '../support/fuzz.ts';
import { turn } from '../support/fuzz-clock.ts';
import { startOpcuaServer } from '../support/opcua-server.ts';
import { TcpCable } from '../support/tcp-cable.ts';
import { randomFault } from './modbus/misbehaviour/random-fault.ts';
import { type Protocol, startPlant } from './modbus/plant.ts';
import { connectorOf } from './modbus/rig.ts';
import { Bench, makePlan, OPEN } from './opcua/support.ts';

/**
 * Connectors of all protocols at once, each with a device that misbehaves all the time. Polls and time-outs are fifty times as
 * fast as in a plant: a minute is nearly an hour. `npm run soak` takes that long, the other tests a few seconds.
 */
const RUN_MS = Number(process.env.FIELDMARSHAL_SOAK_S ?? 3) * 1_000;
const WARM_UP_MS = Math.min(10_000, RUN_MS / 2);
const MAX_GROWTH_MIB = 10;
const BACK_OFF = { firstMs: 20, maxMs: 100, resetAfterMs: 200 };

/** A device under the weather: who reads it, what it says when it is well, and what is done to it next. */
interface Patient {
  readonly plan: ConnectionPlan;
  readonly connector: Connector;
  readonly truth: unknown;
  upset(random: Random): Promise<void>;
  dispose(): Promise<void>;
}

async function modbusPatient(protocol: Protocol): Promise<Patient> {
  const plant = await startPlant(protocol, [1]);
  const points = { v: { address: { holding: 100 }, type: 'uint32', intervalMs: 20 } } as const;
  const keys = { timeout: '30 ms', lateWindow: '10 ms', retries: 1, maxTimeouts: 3 };
  const plan = plant.planOf({ press: { settings: { unit: 1, probeInterval: '50 ms' }, points } }, keys);
  const upset = async (random: Random): Promise<void> => {
    plant.faults.clear();
    if (random() < 0.1) {
      await plant.takeAway();
      await systemClock.sleep(50 * random());
      await plant.bringBack();
    } else if (random() < 0.8) {
      plant.faults.add(randomFault(random), { every: 1 + Math.floor(3 * random()) });
    }
  };
  return { plan, connector: connectorOf(plan), truth: 100 * 65_536 + 101, upset, dispose: async () => plant.dispose() };
}

async function opcuaPatient(): Promise<Patient> {
  const server = await startOpcuaServer();
  const cable = new TcpCable(server.port);
  await cable.plug();
  const bench = new Bench();
  await bench.begin();
  const keys = { keepAlive: '500 ms', publishingInterval: '50 ms', timeout: '500 ms' };
  const plan = makePlan({ url: `opc.tcp://127.0.0.1:${cable.port}`, ...OPEN, ...keys }, { press: { Count: { interval: 50 } } });
  return {
    plan,
    connector: bench.connector(plan),
    truth: 7,
    upset: async (random) => {
      if (random() < 0.2) cable.cut();
    },
    dispose: async () => {
      await bench.end();
      await cable.pull();
      await server.stop();
    },
  };
}

/** How many of each kind are open: sockets, timers, files. */
function handles(): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function isLeft(before: Readonly<Record<string, number>>): string {
  const more = Object.entries(handles()).filter(([kind, count]) => count > (before[kind] ?? 0));
  return more.map(([kind, count]) => `${count - (before[kind] ?? 0)} ${kind}`).join(', ');
}

describe('connectors whose devices misbehave all the time', function () {
  this.timeout(RUN_MS + 60_000);
  const seed = seeds().at(-1) ?? 1;

  it(`neither grow nor leak, nor take a wrong value (seed ${seed})`, async () => {
    await turn();
    const before = handles();
    const patients = [
      await modbusPatient('modbus-tcp'),
      await modbusPatient('modbus-rtu'),
      await modbusPatient('modbus-rtu-over-tcp'),
      await opcuaPatient(),
    ];
    const stop = new AbortController();
    const good = patients.map(() => 0);
    const wrong: Reading[] = [];
    const acquisitions = patients.map(({ plan, connector, truth }, index) =>
      acquire(connector, {
        plan,
        clock: systemClock,
        log: silentLog,
        signal: stop.signal,
        backOff: BACK_OFF,
        onBatch: ({ readings }) => {
          for (const reading of readings) {
            if (reading.quality === 'good' && reading.value === truth) good[index] = (good[index] ?? 0) + 1;
            else if (reading.quality === 'good') wrong.push(reading);
          }
        },
      }),
    );
    const untilMs = performance.now() + RUN_MS;
    const upsetting = patients.map(async ({ upset }, index) => {
      const random = seededRandom(seed + index);
      while (performance.now() < untilMs) {
        await upset(random);
        await systemClock.sleep(50 + 100 * random());
      }
    });
    await systemClock.sleep(WARM_UP_MS);
    const warmBytes = usedBytes();
    await Promise.all(upsetting);
    assertNoGrowth(warmBytes, MAX_GROWTH_MIB);
    tell('soak', { heapMib: (usedBytes() - warmBytes) / 2 ** 20, ...Object.fromEntries(good.entries()) });
    stop.abort(new Error('the test is over'));
    await Promise.all(acquisitions.map(({ done }) => done));
    for (const patient of patients) await patient.dispose();
    for (let tries = 0; tries < 100 && isLeft(before) !== ''; tries += 1) {
      await systemClock.sleep(50);
      // A timer that has just rung still counts.
      await turn();
    }
    assert.equal(isLeft(before), '');
    assert.deepEqual(wrong, []);
    assert.ok(
      good.every((count) => count > 0),
      good.join(),
    );
  });
});
