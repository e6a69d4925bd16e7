import assert from 'node:assert/strict';
import { CommandPlant } from '../support/command-plant.ts';

const MAPPING = `deadMan: { after: 1 s, write: { speed: 0 } }
points:
  stop: { address: { coil: 4 } }
  speed: { address: { holding: 40 }, type: uint16, scale: 0.1, write: { min: 0, max: 150, atMostEvery: 10 min, onlyIf: stop == false } }
`;

describe('a gateway whose cloud stays away', function () {
  this.timeout(30_000);
  let plant: CommandPlant;

  beforeEach(async () => {
    plant = await CommandPlant.start({ mapping: MAPPING });
  });

  afterEach(() => plant.end());

  it('writes the safe value once, whatever the rate, and tells it when the cloud is back', async () => {
    await plant.send({ id: 'c1', desired: { speed: 90 } });
    assert.equal(plant.memory.holding[40], 900);
    await plant.broker.down();
    await plant.until('the safe value is written', () => plant.memory.holding[40] === 0);
    plant.memory.holding[40] = 700;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(plant.memory.holding[40], 700);
    await plant.broker.up();
    await plant.until('the cloud is told', () => plant.events('deadMan').length === 2, 20_000);
    const [written, ended] = plant.events('deadMan');
    assert.deepEqual(
      [written?.state, written?.severity, written?.points],
      ['written', 900, { speed: { status: 'written', value: 0 } }],
    );
    assert.deepEqual([ended?.state, ended?.severity], ['ended', undefined]);
    assert.deepEqual(
      plant.audit('dead-man').map(({ device, state }) => [device, state]),
      [
        ['press-07', 'written'],
        ['press-07', 'ended'],
      ],
    );
    assert.equal(plant.memory.holding[40], 700);
  });

  it('does so when the cloud never came, and as soon as the interlock lets it', async () => {
    await plant.stopGateway();
    await plant.broker.down();
    plant.memory.holding[40] = 900;
    plant.memory.coil[4] = 1;
    const starting = plant.startGateway();
    await plant.until('the refusal is told', () => plant.audit('dead-man').length === 1, 8_000);
    assert.deepEqual([plant.audit('dead-man')[0]?.state, plant.memory.holding[40]], ['refused', 900]);
    plant.memory.coil[4] = 0;
    await plant.until('the safe value is written', () => plant.memory.holding[40] === 0, 8_000);
    await plant.broker.up();
    await starting;
  });

  it('takes no command a second time that it took before it was started anew', async () => {
    const command = { id: 'c1', desired: { speed: 90 } };
    await plant.send(command);
    await plant.stopGateway();
    plant.memory.holding[40] = 5;
    await plant.startGateway();
    const answer = await plant.send(command);
    assert.deepEqual(
      [answer.status, JSON.stringify(answer).includes('COMMAND_REPLAYED'), plant.memory.holding[40]],
      ['refused', true, 5],
    );
  });
});
