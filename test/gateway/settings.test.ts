import assert from 'node:assert/strict';
import { CommandPlant } from '../support/command-plant.ts';

const MAPPING = `cloudMayChange: { interval: { min: 10 ms, max: 1 h }, deadband: { max: 100 } }
message: { maxAge: 20 ms }
points:
  speed: { address: { holding: 40 }, type: uint16, interval: 1 h }
  oil: { address: { holding: 50 }, type: uint16, interval: 20 ms, send: { deadband: 50 }, write: { min: 0, max: 999 } }
`;

describe('settings that a command changes', function () {
  this.timeout(30_000);
  let plant: CommandPlant;

  beforeEach(async () => {
    plant = await CommandPlant.start({
      mapping: MAPPING,
      gateway: 'cloudMayChange: { logLevel: [debug, info] }\nlog: { level: info }\n',
    });
  });

  afterEach(() => plant.end());

  /** Every value of the point that the cloud got. */
  const valuesOf = (name: string) =>
    plant.messages.flatMap(({ values }) =>
      ((values as Readonly<Record<string, [number, unknown][]>> | undefined)?.[name] ?? []).map(([, value]) => value),
    );

  it('make an interval hold from now on, with every point of the connection read on', async () => {
    await plant.until('the first values came', () => valuesOf('speed').length === 1 && valuesOf('oil').length === 1);
    const answer = await plant.send({ id: 's1', by: 'anna', settings: { 'speed.interval': '50 ms' } });
    assert.deepEqual(
      [answer.status, answer.until, answer.settings],
      ['done', 'restart', { 'speed.interval': { status: 'changed', value: '50 ms' } }],
    );
    plant.memory.holding[40] = 77;
    await plant.until('the new pace shows', () => valuesOf('speed').filter((value) => value === 77).length >= 3);
    plant.memory.holding[50] = 300;
    await plant.until('the other point is read on', () => valuesOf('oil').at(-1) === 300);
    assert.deepEqual((await plant.send({ id: 'c1', desired: { oil: 100 } })).status, 'done');
    const { connections, settings } = plant.gateway.status();
    assert.match(JSON.stringify(settings), /^\{"[^."]+\.speed\.interval":"50 ms"\}$/);
    assert.deepEqual([connections[0]?.link.state, connections[0]?.devices[0]?.failures], ['up', 0]);
    const [told] = plant.audit('command');
    assert.deepEqual([told?.settings, told?.by, told?.status], [{ 'speed.interval': '50 ms' }, 'anna', 'done']);
  });

  it('make a deadband hold from now on, and lose no reading', async () => {
    await plant.until('the first value came', () => valuesOf('oil').length === 1);
    plant.memory.holding[50] = 20;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(valuesOf('oil'), [0]);
    assert.equal((await plant.send({ id: 's1', settings: { 'oil.deadband': 5 } })).status, 'done');
    await plant.until('the value is news', () => valuesOf('oil').at(-1) === 20);
    plant.memory.holding[50] = 27;
    await plant.until('the smaller change is sent', () => valuesOf('oil').at(-1) === 27);
    const sequences = plant.messages.filter(({ class: of }) => of === 'telemetry').map(({ seq }) => seq);
    assert.deepEqual(
      sequences,
      sequences.map((_, index) => index + 1),
    );
  });

  it('hold until the gateway starts anew', async () => {
    await plant.send({ id: 's1', settings: { 'oil.deadband': 5 } });
    await plant.stopGateway();
    const before = valuesOf('oil').length;
    await plant.startGateway();
    assert.equal(plant.gateway.status().settings, undefined);
    await plant.until('the first value came', () => valuesOf('oil').length > before);
    plant.memory.holding[50] = 20;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.notEqual(valuesOf('oil').at(-1), 20);
  });

  it('are the level of the log, too', async () => {
    assert.equal((await plant.send({ id: 's1', settings: { logLevel: 'error' } })).status, 'refused');
    assert.equal((await plant.send({ id: 's2', settings: { logLevel: 'info' } })).status, 'done');
    plant.log.log.debug('not written');
    assert.equal((await plant.send({ id: 's3', settings: { logLevel: 'debug' }, dryRun: true })).status, 'checked');
    plant.log.log.debug('not written');
    await plant.send({ id: 's4', settings: { logLevel: 'debug' } });
    assert.deepEqual(plant.gateway.status().settings, { logLevel: 'debug' });
    plant.log.log.with({ a: 1 }).debug('written');
    assert.deepEqual([plant.log.events('not written').length, plant.log.events('written').length], [0, 1]);
  });

  it('are refused as a whole when one of them may not be', async () => {
    await plant.until('the first value came', () => valuesOf('oil').length === 1);
    const answer = await plant.send({ id: 's1', settings: { 'oil.deadband': 5, 'oil.interval': '1 ms' } });
    const { 'oil.interval': refused } = answer.settings as Readonly<Record<string, { error?: { code: string } }>>;
    assert.deepEqual([answer.status, refused?.error?.code], ['refused', 'COMMAND_OUT_OF_RANGE']);
    plant.memory.holding[50] = 20;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.notEqual(valuesOf('oil').at(-1), 20);
  });
});
