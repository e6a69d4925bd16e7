import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { type Plant, startPlant } from '../../src/simulator/plant.ts';
import { PRESS, SimulatedPress } from '../../src/simulator/press.ts';
import { seededRandom } from '../../src/simulator/random.ts';

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('simulated plant', function () {
  this.timeout(30_000);
  let plant: Plant;

  before(async () => {
    plant = await startPlant();
  });

  after(() => plant.close());

  for (const part of ['press-07', 'filler-02', 'broker'] as const) {
    it(`refuses connections while ${part} is down, and takes them when it is up`, async () => {
      const { port } = { 'press-07': plant.press, 'filler-02': plant.filler, broker: plant.broker }[part];
      await plant.down(part);
      assert.equal(await isOpen(port), false);
      await plant.up(part);
      assert.equal(await isOpen(port), true);
    });
  }

  it('silences one meter and leaves the other', async () => {
    await plant.down('meter-1');
    assert.deepEqual(plant.meters.faults.next(1, 4), { kind: 'silent' });
    assert.equal(plant.meters.faults.next(2, 4), undefined);
    await plant.up('meter-1');
    assert.equal(plant.meters.faults.next(1, 4), undefined);
  });

  it('takes the serial port away while the line is down', async () => {
    const { path } = plant.line;
    await plant.down('line-1');
    assert.equal(existsSync(path), false);
    await plant.up('line-1');
    assert.equal(existsSync(plant.line.path), true);
  });

  it('does not leave anything open when one of its ports is taken', async () => {
    await assert.rejects(startPlant({ fillerPort: 1, brokerPort: plant.broker.port }), { code: 'EADDRINUSE' });
  });
});

describe('simulated press', () => {
  const speedAfter = (press: SimulatedPress, seconds: number): number => {
    for (let step = 0; step < seconds * 10; step += 1) press.step(100);
    return press.device.memory.input[PRESS.speedInput] ?? 0;
  };

  it('follows its setpoint', () => {
    const press = new SimulatedPress(seededRandom(1));
    press.device.memory.holding[PRESS.speedSetpointHolding] = 900;
    assert.equal(speedAfter(press, 20), 900);
  });

  it('stands still after an emergency stop', () => {
    const press = new SimulatedPress(seededRandom(1));
    press.device.memory.coil[PRESS.emergencyStopCoil] = 1;
    assert.equal(speedAfter(press, 20), 0);
  });

  it('does the same again with the same seed', () => {
    const [one, other] = [new SimulatedPress(seededRandom(5)), new SimulatedPress(seededRandom(5))];
    speedAfter(one, 3);
    speedAfter(other, 3);
    assert.deepEqual(one.device.memory, other.device.memory);
  });
});
