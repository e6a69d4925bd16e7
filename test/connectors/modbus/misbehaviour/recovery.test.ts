import assert from 'node:assert/strict';
import type { ErrorCode } from '../../../../src/model/error.ts';
import type { Reading } from '../../../../src/model/reading.ts';
import { systemClock } from '../../../../src/runtime/clock.ts';
import { silentLog } from '../../../../src/runtime/log.ts';
import { acquire } from '../../../../src/southbound/acquisition.ts';
import { type Plant, PROTOCOLS, type Protocol, type SerialPlant, startPlant, startSerialPlant } from '../plant.ts';
import { connectorOf } from '../rig.ts';

const POLL_MS = 40;
const BACK_OFF = { firstMs: 50, maxMs: 200, resetAfterMs: 10_000 };
/** Much longer than anything here takes; a machine that is busy needs some of it. */
const PATIENCE_MS = 8_000;

/** A connection that is kept alive, as the gateway does it. */
class Kept {
  readonly readings: Reading[] = [];
  readonly #stop = new AbortController();
  readonly #acquisition: ReturnType<typeof acquire>;

  constructor(plant: Plant) {
    const points = { v: { address: { holding: 100 }, type: 'uint16', intervalMs: POLL_MS } } as const;
    const keys = { timeout: '100 ms', retries: 0, maxTimeouts: 2 };
    const plan = plant.planOf({ press: { settings: { unit: 1 }, points } }, keys);
    this.#acquisition = acquire(connectorOf(plan), {
      plan,
      clock: systemClock,
      log: silentLog,
      signal: this.#stop.signal,
      onBatch: ({ readings }) => this.readings.push(...readings),
      backOff: BACK_OFF,
    });
  }

  get linkError(): ErrorCode | undefined {
    const { link } = this.#acquisition;
    return link.state === 'waiting' ? link.error.code : undefined;
  }

  /** The first reading from now on that fits, and how long it took. */
  async next(fits: (reading: Reading) => boolean): Promise<number> {
    const startedMs = performance.now();
    const from = this.readings.length;
    for (;;) {
      if (this.readings.slice(from).some(fits)) return performance.now() - startedMs;
      assert.ok(performance.now() - startedMs < PATIENCE_MS, 'no such reading');
      await systemClock.sleep(2);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await this.#acquisition.done;
  }
}

const isGood = ({ quality, value }: Reading): boolean => quality === 'good' && value === 100;
const isBad = ({ quality, value }: Reading): boolean => quality === 'bad' && value === null;

describe('Modbus devices that go and come back', () => {
  let plant: Plant;
  let kept: Kept;

  const open = async (protocol: Protocol): Promise<void> => {
    plant = await startPlant(protocol);
    kept = new Kept(plant);
    await kept.next(isGood);
  };
  afterEach(async () => {
    await kept.close();
    await plant.dispose();
    // Whatever came between, no other value was ever called good.
    assert.deepEqual(
      kept.readings.filter((reading) => !isGood(reading) && !isBad(reading)),
      [],
    );
  });

  for (const protocol of PROTOCOLS) {
    it(`F35/F55 ${protocol}: bad within a moment when it is gone, good within a second when it is back`, async () => {
      await open(protocol);
      const gone = kept.next(isBad);
      await plant.takeAway();
      assert.ok((await gone) < 2_000);
      await systemClock.sleep(3 * BACK_OFF.firstMs);
      assert.ok(['LINK_REFUSED', 'LINK_CLOSED', undefined].includes(kept.linkError), kept.linkError);
      const back = kept.next(isGood);
      await plant.bringBack();
      assert.ok((await back) < 2 * POLL_MS + 1_000 + BACK_OFF.maxMs);
    });
  }

  it('F4 modbus-tcp: a peer that has vanished without a word is found out, and the next connection is in step', async () => {
    await open('modbus-tcp');
    plant.faults.add({ kind: 'half-open' }, { times: 1 });
    await kept.next(isBad);
    await kept.next(isGood);
  });

  for (const kind of ['ended', 'reset'] as const) {
    it(`F35 modbus-tcp: is read again after each connection that is ${kind}`, async () => {
      await open('modbus-tcp');
      plant.faults.add({ kind }, { every: 2, times: 3 });
      for (let times = 0; times < 3; times += 1) {
        await kept.next(isBad);
        await kept.next(isGood);
      }
    });
  }

  it('F36 modbus-tcp: accepts and never answers, then does', async () => {
    await open('modbus-tcp');
    const mend = plant.faults.add({ kind: 'silent' });
    await kept.next(isBad);
    await systemClock.sleep(300);
    mend();
    await kept.next(isGood);
  });

  it('F56 modbus-rtu: an adapter that comes back as another terminal is found by its link', async () => {
    const serial: SerialPlant = startSerialPlant();
    plant = serial;
    kept = new Kept(plant);
    await kept.next(isGood);
    for (let times = 0; times < 3; times += 1) {
      serial.wire.unplug();
      await kept.next(isBad);
      serial.wire.plug();
      await kept.next(isGood);
    }
  });
});
