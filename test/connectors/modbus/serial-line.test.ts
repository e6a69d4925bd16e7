import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { planOf } from './modbus-plan.ts';
import { type Keys, type SerialPlant, startNetworkPlant, startSerialPlant } from './plant.ts';
import { connectorOf, never, openRig, type Rig } from './rig.ts';

const POINTS = {
  first: { address: { holding: 0 }, type: 'uint16' },
  hundred: { address: { holding: 100 }, type: 'uint16', access: 'read-write' },
  coil: { address: { coil: 4 }, access: 'read-write' },
} as const;
const DEVICES = { meter: { settings: { unit: 1 }, points: POINTS } };

describe('Modbus RTU: the serial line', () => {
  let plant: SerialPlant;
  let rig: Rig | undefined;

  beforeEach(() => {
    plant = startSerialPlant([1, 2]);
  });
  afterEach(async () => {
    await rig?.session.close();
    await plant.dispose();
    rig = undefined;
  });

  const start = async (keys: Keys = {}): Promise<Rig> => {
    rig = await openRig(plant.planOf(DEVICES, { timeout: '500 ms', retries: 0, ...keys }));
    return rig;
  };

  it('settles what is under way and is lost within 2 s when the adapter is pulled out', async () => {
    const { session, value } = await start({ timeout: '1 min' });
    plant.faults.add({ kind: 'silent' });
    const startedMs = performance.now();
    const reading = assert.rejects(value('first'), { code: 'LINK_CLOSED' });
    plant.wire.unplug();
    await reading;
    assert.equal((await session.lost).code, 'LINK_CLOSED');
    assert.ok(performance.now() - startedMs < 2_000);
  });

  it('closes an idle line whose adapter is gone without taking the process along', async () => {
    const { session } = await start();
    plant.wire.unplug();
    await session.lost;
    await session.close();
  });

  it('finds the adapter under its stable name when it comes back as another terminal', async () => {
    const { session } = await start();
    plant.wire.unplug();
    await session.lost;
    await session.close();
    plant.wire.plug();
    assert.equal(await (await start()).value('hundred'), 100);
  });

  it('says that the port is not there', async () => {
    plant.wire.unplug();
    await assert.rejects(connectorOf(plant.planOf(DEVICES)).open(never), { code: 'LINK_REFUSED', message: /not there/ });
  });

  it('says who holds the port', async () => {
    await start();
    await assert.rejects(connectorOf(plant.planOf(DEVICES)).open(never), { code: 'PORT_BUSY', message: /this gateway itself/ });
  });

  it('can be opened again right after it was closed', async () => {
    for (let count = 0; count < 3; count += 1) {
      const { session, value } = await start();
      assert.equal(await value('hundred'), 100);
      await session.close();
    }
  });

  for (const echo of ['detect', 'strip'] as const) {
    describe(`with an adapter that sends back what it was given (echo: ${echo})`, () => {
      beforeEach(() => {
        plant.line.echo = true;
      });

      it('reads the answers, not the echoes', async () => {
        const { value, counter } = await start({ echo });
        assert.deepEqual([await value('hundred'), await value('first'), await value('coil')], [100, 0, false]);
        assert.equal(counter('echoes'), 3);
      });

      it('writes, and knows that it was written', async () => {
        const { write, value } = await start({ echo });
        assert.deepEqual([await write('hundred', 7), await write('coil', true)], [{ written: true }, { written: true }]);
        assert.deepEqual([await value('hundred'), await value('coil')], [7, true]);
      });

      it('does not take the echo of a write to a dead unit for its confirmation', async () => {
        plant.faults.add({ kind: 'silent' });
        const { write } = await start({ echo, timeout: '80 ms' });
        for (const [name, value] of [
          ['hundred', 7],
          ['coil', true],
        ] as const) {
          const result = await write(name, value);
          assert.equal(result.written === false && result.error.code, 'DEVICE_TIMEOUT');
        }
      });
    });
  }

  it('waits for an answer as long as it takes on a slow line, beside the time-out of the device', async () => {
    const wide = Object.fromEntries(
      Array.from({ length: 30 }, (_, holding) => [`p${holding}`, { address: { holding }, type: 'uint16' as const }]),
    );
    plant.faults.add({ kind: 'bytewise', gapMs: 6 });
    rig = await openRig(plant.planOf({ meter: { settings: { unit: 1 }, points: wide } }, { baudRate: 1_200, timeout: '300 ms' }));
    assert.equal(await rig.value('p29'), 29);
  });
});

describe('Modbus RTU over TCP', () => {
  it('is lost when nobody answers in a row, unlike a serial line', async () => {
    const plant = await startNetworkPlant('modbus-rtu-over-tcp');
    plant.faults.add({ kind: 'silent' });
    const rig = await openRig(plant.planOf(DEVICES, { timeout: '30 ms', retries: 0, maxTimeouts: 1 }));
    await rig.value('first').catch(() => {});
    assert.equal((await rig.session.lost).code, 'LINK_TIMEOUT');
    await rig.session.close();
    await plant.dispose();
  });

  it('takes no frame of Modbus TCP for an answer', async () => {
    const server = createServer((socket) =>
      socket.on('data', () => socket.write(Buffer.from([0, 1, 0, 0, 0, 5, 1, 3, 2, 0, 1]))),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const rig = await openRig(planOf('modbus-rtu-over-tcp', { host: '127.0.0.1', port, timeout: '100 ms', retries: 0 }, DEVICES));
    assert.equal(await rig.value('first'), 'BadCommunicationError');
    await rig.session.close();
    server.close();
  });
});
