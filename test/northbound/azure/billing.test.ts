import assert from 'node:assert/strict';
import { answerCommands, eachWithPlant, type HubPlant, until } from '../../support/azure/hub-plant.ts';
import { press } from '../../support/azure/plant.ts';
import { telemetry } from '../../support/recorded-spool-reader.ts';

describe('what IoT Hub bills', () => {
  let plant: HubPlant;

  eachWithPlant((started) => {
    plant = started;
  });

  /** Bytes of what was billed since the connect. */
  const open = async (labels: Readonly<Record<string, string>> = {}) => {
    const billed: number[] = [];
    const gateway = plant.gateway({ devices: [press('press-07', { labels })] });
    gateway.billed.subscribe((bytes) => billed.push(bytes));
    const session = await plant.open(gateway);
    await until(() => plant.hub.telemetry.length === 1 && billed.length === 2);
    billed.splice(0);
    return { session, billed };
  };
  const stored = (more: object = {}) => ({
    ...{ class: 'telemetry' as const, offset: 1, sequence: 1, epoch: 'e1' },
    message: { ...telemetry('press-07', 1), ...more },
  });

  it('is the body of a message and the properties beside it', async () => {
    const { session, billed } = await open({ line: 'ä'.repeat(1_000) });
    const body = await session.publish(stored());
    const { system, properties } = plant.hub.telemetry.at(-1) ?? assert.fail();
    const beside = [...Object.values(system), ...Object.entries(properties).flat()].join('');
    assert.ok(beside.length > 1_000);
    assert.deepEqual(billed, [body + Buffer.byteLength(beside)]);
  });

  it('is a patch of the twin, and not the word that it was taken', async () => {
    const { session, billed } = await open();
    const values = { isRunning: [[0, true] as const] };
    await session.publish(stored({ kind: 'property', values }));
    const patch = Buffer.byteLength(JSON.stringify({ 'press-07': { isRunning: true } }));
    assert.deepEqual(billed, [patch]);
  });

  it('is what the cloud asks for, and the answer', async () => {
    const { session, billed } = await open();
    answerCommands(session, () => ({ method: 'stop', outputs: {} }));
    const { payload } = await plant.hub.invoke('gw-01', 'stop', { now: true });
    await until(() => billed.length === 2);
    assert.deepEqual(billed, [Buffer.byteLength('{"now":true}'), Buffer.byteLength(payload)]);
  });

  it('is a wish, and the report that it is fulfilled', async () => {
    const { session, billed } = await open();
    answerCommands(session, () => ({ points: { speedSetpoint: { status: 'written', value: 900 } } }));
    plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 900 } });
    const { twin } = plant.hub.device('gw-01');
    await until(() => twin.reportedVersion === 2);
    assert.deepEqual(billed.slice(1), [Buffer.byteLength(JSON.stringify(twin.reported))]);
  });
});
