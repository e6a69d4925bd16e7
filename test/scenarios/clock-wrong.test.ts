import assert from 'node:assert/strict';
import { type Broker, verifyDeliveries } from '../support/scenario/brokers.ts';
import { FakedClock, itWithFakedClock } from '../support/scenario/faked-clock.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import type { Gateway } from '../support/scenario/gateway.ts';
import { type Plant, pressMapping } from '../support/scenario/plant.ts';
import { assertEveryPoll } from '../support/scenario/polls.ts';
import type { Message } from '../support/scenario/record.ts';
import { eachScene } from '../support/scenario/scene.ts';
import { until } from '../support/scenario/wait.ts';

const TWIN = 'press-1';
const HOUR_MS = 3_600_000;
/** Longest time between stamping and looking. */
const NEAR_MS = 20_000;
const toIn1970 = () => 60_000 - Date.now();

describe('the clock of the machine is wrong', () => {
  const scene = eachScene();

  itWithFakedClock('it starts in 1970: what is sent says so, and no more once the clock is set', async () => {
    const { clock, broker, gateway, plant } = await open(toIn1970());
    await until('messages flow', () => telemetry(broker).length >= 5);
    assert.ok(telemetry(broker).every(({ clock: said, t0 = 0 }) => said === 'unsynchronised' && t0 < HOUR_MS));
    await clock.set(0);
    const noticedMs = await until('the step is told', () => steps(broker).length === 1);
    const known = () => telemetry(broker).filter(({ clock: said }) => said === undefined);
    await until('messages flow on', () => known().length >= 5);
    assert.ok(known().every(({ t0 }) => isNear(t0, 0)));
    await end({ broker, gateway, plant });
    tell({ ...broker.record.totals, unsynchronised: telemetry(broker).length - known().length, noticed: seconds(noticedMs) });
  });

  itWithFakedClock(
    'it starts in 1970 and the broker is away: what waited arrives with the right times, in their order',
    async () => {
      const { clock, broker, gateway, plant } = await open(toIn1970(), { isBrokerAway: true });
      const waits = async () => (await gateway.hub()).waitingMessages;
      await until('messages wait', async () => (await waits()) >= 10);
      const waited = await waits();
      await clock.set(0);
      await until('the time is known', async () => (await gateway.status()).clock.state === 'known');
      await broker.start();
      await until('messages of the right time arrive', () => telemetry(broker).some(({ clock: said }) => said === undefined));
      const corrected = telemetry(broker).filter(({ clock: said }) => said === 'corrected');
      assert.ok(corrected.length >= waited, `${corrected.length} of at least ${waited}`);
      const times = telemetry(broker).map(({ t0 = 0 }) => t0);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.ok(isNear(times[0], 0) && telemetry(broker).every(({ clock: said }) => said !== 'unsynchronised'));
      await end({ broker, gateway, plant });
      tell({ ...broker.record.totals, corrected: corrected.length });
    },
  );

  for (const [direction, byMs] of Object.entries({ forward: HOUR_MS, back: -HOUR_MS })) {
    itWithFakedClock(
      `it jumps an hour ${direction}: the twin is told, no poll is lost, and none comes out of order`,
      async () => {
        const { clock, broker, gateway, plant } = await open(0);
        await until('messages flow', () => telemetry(broker).length >= 5);
        await clock.set(byMs);
        const noticedMs = await until('the step is told', () => steps(broker).length === 1);
        assert.ok(Math.abs((steps(broker)[0]?.offsetMs ?? 0) - byMs) < 5_000);
        const after = () => telemetry(broker).filter(({ t0 }) => isNear(t0, byMs));
        await until('messages flow on', () => after().length >= 5);
        await end({ broker, gateway, plant });
        // Of the old time, then of the new one.
        const firstAfter = telemetry(broker).findIndex(({ t0 }) => isNear(t0, byMs));
        assert.ok(telemetry(broker).every(({ t0 }, index) => isNear(t0, index < firstAfter ? 0 : byMs)));
        tell({ ...broker.record.totals, noticed: seconds(noticedMs), 'told as': `${steps(broker)[0]?.offsetMs} ms` });
      },
    );
  }

  for (const [direction, byMs] of Object.entries({ forward: HOUR_MS, back: -HOUR_MS })) {
    itWithFakedClock(
      `it jumps an hour ${direction} while a device is away: no gap record has times of before and after`,
      async () => {
        const { clock, broker, gateway, plant } = await open(0);
        await until('messages flow', () => telemetry(broker).length >= 5);
        await plant.kill();
        await until('the device is lost', async () => (await gateway.status()).connections[0]?.link.state !== 'up');
        await clock.set(byMs);
        await until('the step is told', () => steps(broker).length === 1);
        await plant.start();
        await until('messages flow on', () => telemetry(broker).some(({ t0, values }) => isNear(t0, byMs) && isMeasured(values)));
        await gateway.stop();
        await verifyDeliveries(broker);
        const away = broker.record.gaps(TWIN).filter(({ reason }) => reason === 'device-away');
        const clocks = away.map(({ from, to }) =>
          [0, byMs].filter((wrong) => [from, to].every((time) => isNear(Date.parse(time), wrong))),
        );
        assert.deepEqual(clocks, [[0], [byMs]], JSON.stringify(away));
        assert.ok(away.every(({ from, to }) => from <= to));
        tell({ ...broker.record.totals });
      },
    );
  }

  async function open(wrongByMs: number, { isBrokerAway = false } = {}): Promise<Story & { readonly clock: FakedClock }> {
    const clock = await FakedClock.create(await scene().directory(), wrongByMs);
    const broker = await scene().recordingBroker();
    if (isBrokerAway) await broker.kill();
    const plant = await scene().plant({ kind: 'modbus-tcp' });
    const { environment } = clock;
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { intervalMs: 50 })], environment });
    return { clock, broker, gateway, plant };
  }
});

interface Story {
  readonly broker: Broker;
  readonly gateway: Gateway;
  readonly plant: Plant;
}

/** The counter of the device tells that no reading is missing, and none out of order. */
async function end({ broker, gateway, plant }: Story): Promise<void> {
  await gateway.stop();
  await verifyDeliveries(broker);
  await assertEveryPoll(broker.record, plant);
}

function telemetry({ record }: Broker): readonly Message[] {
  return record.messages(TWIN).filter(({ values }) => values !== undefined);
}

function isMeasured(values: Message['values']): boolean {
  return Object.values(values ?? {}).some((list) => list.some(([, value]) => value !== null));
}

function steps({ record }: Broker): readonly Message[] {
  return record.messages(TWIN).filter(({ state }) => state === 'clock stepped');
}

/** Stamped lately by a clock that is wrong by so much. */
function isNear(timeMs = 0, wrongByMs: number): boolean {
  return Math.abs(timeMs - wrongByMs - Date.now()) < NEAR_MS;
}
