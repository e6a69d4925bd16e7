import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { metersMapping, pressMapping } from '../support/scenario/plant.ts';
import { balance } from '../support/scenario/polls.ts';
import { eachScene } from '../support/scenario/scene.ts';
import { pause, until } from '../support/scenario/wait.ts';

const INTERVAL_MS = 100;
/** For so long nothing runs. */
const OFF_MS = 2_000;

describe('what could not be measured is declared', () => {
  const scene = eachScene();

  it('readings received and readings declared missing are the readings due, through an outage of a Modbus device', async () => {
    const broker = await scene().recordingBroker();
    const plant = await scene().plant({ kind: 'modbus-tcp' });
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { intervalMs: INTERVAL_MS })] });
    const numbers = () => broker.record.numbers('press-1', 'polls').length;
    await until('values flow', () => numbers() >= 20);
    await plant.kill();
    await pause(4_000);
    const before = numbers();
    await plant.start();
    await until('values flow again', () => numbers() >= before + 20);
    const status = (await gateway.status()).connections[0]?.devices[0]?.unmeasured;
    await gateway.stop();

    await verifyDeliveries(broker);
    const { received, declared, due } = balance(broker.record, 'press-1', 'polls', INTERVAL_MS);
    const away = broker.record.gaps('press-1').filter(({ reason }) => reason === 'device-away');
    tell({ received, declared, due, records: away.length });
    assert.equal(received + declared, due);
    assert.equal(away.length, 1);
    assert.ok(declared >= 40, `${declared} polls of some five seconds`);
    assert.deepEqual(status?.['device-away'], { records: 1, readings: away[0]?.readings });
  });

  it('also of one silent unit on a shared serial line, and of the neighbour that waits for it', async () => {
    const broker = await scene().recordingBroker();
    const line = await scene().plant({ kind: 'modbus-rtu', units: [1, 2] });
    const gateway = await scene().gateway({ broker, mappings: [metersMapping(line)] });
    const numbers = (twin: string) => broker.record.numbers(twin, 'polls').length;
    await until('both are read', () => numbers('meter-1') >= 10 && numbers('meter-2') >= 10);
    await line.silence(2);
    await pause(4_000);
    const before = numbers('meter-2');
    await line.mend();
    await until('both are read again', () => numbers('meter-2') >= before + 10, { withinMs: 30_000 });
    await gateway.stop();

    await verifyDeliveries(broker);
    const silent = balance(broker.record, 'meter-2', 'polls', 250);
    const neighbour = balance(broker.record, 'meter-1', 'polls', 250);
    const away = broker.record.gaps('meter-2').filter(({ reason }) => reason === 'device-away');
    tell({ ...silent, records: away.length, 'declared of the neighbour': neighbour.declared });
    assert.equal(silent.received + silent.declared, silent.due);
    assert.equal(neighbour.received + neighbour.declared, neighbour.due);
    assert.equal(away.length, 1);
    // The stop may cut a poll off.
    assert.ok(broker.record.gaps('meter-1').every(({ reason }) => reason === 'poll-skipped' || reason === 'gateway-off'));
  });

  it('also the time in which the gateway was killed, and that in which it was stopped', async () => {
    const broker = await scene().recordingBroker();
    const plant = await scene().plant({ kind: 'modbus-tcp' });
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { intervalMs: INTERVAL_MS })] });
    const good = () => broker.record.readings('press-1', 'polls').filter(({ quality }) => quality === 'good');
    const told = () => broker.record.gaps('press-1').filter(({ reason }) => reason === 'gateway-off');
    const isLong = ({ from, to }: { readonly from: string; readonly to: string }) => Date.parse(to) - Date.parse(from) >= OFF_MS;
    const off = () => told().filter(isLong);
    const more = (count: number) => until('values flow', () => good().length >= count + 20);
    await more(0);
    assert.deepEqual(off(), [], 'nothing ran before');
    const ends = [() => gateway.kill(), () => gateway.stop()];
    for (const end of ends) {
      await end();
      await pause(OFF_MS);
      await gateway.start();
      await more(good().length);
    }
    await gateway.stop();

    await verifyDeliveries(broker);
    const spans = off().map(({ from, to, readings }) => [Date.parse(from), Date.parse(to), readings] as const);
    assert.equal(spans.length, ends.length);
    const timesMs = good().map(({ timeMs }) => timeMs);
    const holes = timesMs
      .slice(1)
      .flatMap((toMs, at) => (toMs - (timesMs[at] ?? 0) > OFF_MS ? [[timesMs[at] ?? 0, toMs] as const] : []));
    tell({ ...broker.record.totals, spans: spans.map(([fromMs, toMs]) => seconds(toMs - fromMs)).join(', ') });
    assert.equal(holes.length, ends.length);
    for (const [at, [lastMs, firstMs]] of holes.entries()) {
      const [offMs, toMs, whileOff] = spans[at] ?? [0, 0, 0];
      // What the stop cut off goes before it.
      const cutOff = told().find((gap) => !isLong(gap) && Date.parse(gap.from) > lastMs && Date.parse(gap.to) <= offMs + 2);
      const fromMs = cutOff === undefined ? offMs : Date.parse(cutOff.from);
      const declared = whileOff + (cutOff?.readings ?? 0);
      const missing = Math.round((firstMs - lastMs) / INTERVAL_MS) - 1;
      // What had arrived when the gateway was killed nobody knows: it is counted once more.
      const arrived = Math.max(0, lastMs - fromMs) / INTERVAL_MS;
      assert.ok(
        Math.abs(declared - arrived - missing) <= 2,
        `${declared} declared, ${missing} missing, ${arrived} of them there`,
      );
      assert.ok(fromMs <= lastMs + INTERVAL_MS && fromMs >= lastMs - 1_000, `from ${fromMs - lastMs} ms after the last reading`);
      assert.ok(Math.abs(toMs - firstMs) <= 2 * INTERVAL_MS, `to ${toMs - firstMs} ms after the first reading`);
    }
  });
});
