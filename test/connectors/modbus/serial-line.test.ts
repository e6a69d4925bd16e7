import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planOf } from './modbus-plan.ts';
import { type Keys, type SerialPlant, startNetworkPlant, startSerialPlant } from './plant.ts';
import { connectorOf, never, openRig, type Rig } from './rig.ts';

const POINTS = {
  first: { address: { holding: 0 }, type: 'uint16' },
  hundred: { address: { holding: 100 }, type: 'uint16', access: 'read-write' },
  coil: { address: { coil: 4 }, access: 'read-write' },
} as const;
/** Threads that Node has for files; a pipe that nobody opens for writing holds each of them. */
const THREADS = 4;

function standStill(): { goOn(): Promise<void> } {
  const directory = mkdtempSync(join(tmpdir(), 'slow-disk-'));
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const held = Array.from({ length: THREADS }, () => open(pipe, 'r'));
  return {
    goOn: async () => {
      const released = openSync(pipe, 'r+');
      for (const file of await Promise.all(held)) await file.close();
      closeSync(released);
      rmSync(directory, { recursive: true });
    },
  };
}

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

  it('says which other program holds the port', async () => {
    const path = realpathSync(plant.wire.path);
    const opener = `const { SerialPort } = require('serialport');
      new SerialPort({ path: '${path}', baudRate: 9600 }).on('open', () => console.log('open'));
      setTimeout(() => {}, 60_000);`;
    const child = spawn(process.execPath, ['-e', opener], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    try {
      await once(child.stdout, 'data');
      const { message } = await connectorOf(plant.planOf(DEVICES))
        .open(never)
        .then(
          () => assert.fail('it was opened twice'),
          (error: Error & { code: string }) => error,
        );
      assert.match(message, new RegExp(`held by node.* \\(pid ${child.pid}\\)`));
    } finally {
      child.kill();
      await ended;
    }
  });

  it('notices that its stable name leads to another adapter, and finds that one when it is opened anew', async () => {
    const others = startSerialPlant([1]);
    others.units.get(1)?.memory.holding.fill(4_711, 100, 101);
    const { session } = await start();
    const link = plant.wire.path;
    rmSync(link);
    symlinkSync(realpathSync(others.wire.path), link);
    assert.match((await session.lost).message, /adapter is gone/);
    await session.close();
    assert.equal(await (await start()).value('hundred'), 4_711);
    await others.dispose();
  });

  it('says so where the driver of the port has no RS-485 mode', async () => {
    const connector = connectorOf(plant.planOf(DEVICES, { rs485: {} }));
    await assert.rejects(connector.open(never), { code: 'LINK_REFUSED', message: /no RS-485 mode: its driver does not know it/ });
    assert.equal(await (await start()).value('hundred'), 100);
  });

  describe('whose driver has the RS-485 mode (played by a program in the place of perl)', () => {
    const path = process.env.PATH;
    let directory: string;

    /** Notes its arguments, and whether it was handed a terminal, and answers for the driver. */
    const playDriver = (answer: string) => {
      directory = mkdtempSync(join(tmpdir(), 'rs485-'));
      const script = `#!/bin/sh\n[ -t 3 ] && echo "$3 $4 $5" > ${directory}/asked\necho "${answer}"\n`;
      writeFileSync(join(directory, 'perl'), script, { mode: 0o755 });
      process.env.PATH = `${directory}:${path}`;
    };
    afterEach(() => {
      process.env.PATH = path;
      rmSync(directory, { recursive: true });
    });

    it('switches it on, on the port that is open', async () => {
      playDriver('5 1 2');
      const { value } = await start({ rs485: { rtsOnSend: 'low', delayBeforeSend: '1 ms', delayAfterSend: '2 ms' } });
      assert.equal(readFileSync(join(directory, 'asked'), 'utf8'), '5 1 2\n');
      assert.equal(await value('hundred'), 100);
    });

    it('does not go on with a port whose driver made something else of it', async () => {
      playDriver('3 0 0');
      const connector = connectorOf(plant.planOf(DEVICES, { rs485: { delayAfterSend: '2 ms' } }));
      await assert.rejects(connector.open(never), {
        message: /asked for flags 3, delays 0 and 2 ms, its driver made 3 0 0 of it/,
      });
    });
  });

  for (const echo of [false, true]) {
    it(`writes to all units at once, and then lets them do it${echo ? ', beside an adapter that echoes' : ''}`, async () => {
      plant.line.echo = echo;
      const points = { all: { address: { holding: 7 }, type: 'uint16', access: 'read-write', broadcast: true } } as const;
      rig = await openRig(plant.planOf({ meter: { settings: { unit: 1 }, points } }, { broadcastPause: '150 ms' }));
      const startedMs = performance.now();
      assert.deepEqual(await rig.write('all', 99), { written: true });
      assert.ok(performance.now() - startedMs >= 149);
      assert.deepEqual(
        [...plant.units.values()].map(({ memory }) => memory.holding[7]),
        [99, 99],
      );
      assert.equal(await rig.value('all'), 99);
      assert.deepEqual([rig.counter('timeouts'), rig.counter('bad_frames')], [0, 0]);
    });
  }

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

  it('reads while every thread of the process waits for a disk', async () => {
    const { value } = await start();
    const disk = standStill();
    try {
      assert.equal(await value('hundred'), 100);
    } finally {
      await disk.goOn();
    }
  });

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
