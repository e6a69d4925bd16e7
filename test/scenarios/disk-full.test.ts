import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { BALLAST_POINT, pressMapping } from '../support/scenario/plant.ts';
import { assertEveryPoll, holes } from '../support/scenario/polls.ts';
import type { DeliveryRecord } from '../support/scenario/record.ts';
import { eachScene } from '../support/scenario/scene.ts';
import { canMount, SmallDisk } from '../support/scenario/small-disk.ts';
import { until } from '../support/scenario/wait.ts';

const units = [1, 2];

describe('the disk is full', () => {
  const scene = eachScene();

  const itOnSmallDisk = canMount ? it : it.skip;
  const how = canMount ? '' : ' (to run it: as root, where a tmpfs can be mounted)';

  itOnSmallDisk(
    `somebody else has filled it: the gateway goes on in memory, heals by itself, nothing is lost${how}`,
    async () => {
      const broker = await scene().recordingBroker();
      const plant = await scene().plant({ kind: 'modbus-tcp', units });
      const disk = await SmallDisk.mount(await scene().directory(), '2m');
      scene().atEnd(() => disk.unmount());
      const more = BALLAST_POINT;
      const gateway = await scene().gateway({
        broker,
        mappings: [pressMapping(plant, { units, more })],
        spoolDirectory: disk.path,
      });
      await until('messages flow', () => broker.record.count >= 50);

      await disk.fill();
      await until(
        'the gateway tells that its disk is full',
        async () => (await gateway.status()).spool.error?.includes('ENOSPC') === true,
      );
      const polls = (await plant.state()).polls;
      await until('it goes on polling', async () => (await plant.state()).polls >= polls + 100);

      await disk.empty();
      const healingMs = await until('it is well again', async () => (await gateway.status()).spool.state === 'ok');
      await until('hardly anything waits any more', async () => (await gateway.hub()).waitingMessages <= 10);
      await gateway.stop();
      await verifyDeliveries(broker);
      await assertEveryPoll(broker.record, plant);
      assert.equal(broker.record.totals.gapRecords, 0);
      tell({ ...broker.record.totals, healing: seconds(healingMs) });
    },
  );

  itOnSmallDisk(`it is full when the gateway starts: it starts, polls, and what waited on disk arrives${how}`, async () => {
    const broker = await scene().recordingBroker();
    const plant = await scene().plant({ kind: 'modbus-tcp', units });
    const disk = await SmallDisk.mount(await scene().directory(), '2m');
    scene().atEnd(() => disk.unmount());
    const gateway = await scene().gateway({
      broker,
      mappings: [pressMapping(plant, { units, more: BALLAST_POINT })],
      // The room that the log has ahead is soon used up.
      spool: 'compression: none',
      spoolDirectory: disk.path,
    });
    await broker.kill();
    await until('messages wait on disk', async () => (await gateway.hub()).waitingMessages >= 50);

    await disk.fill();
    await until('the disk is full', async () => (await gateway.status()).spool.state === 'degraded');
    await gateway.kill();
    const startMs = await gateway.start();
    const polls = (await plant.state()).polls;
    await until('it polls', async () => (await plant.state()).polls >= polls + 50);
    await broker.start();
    await until('what waited arrives though the disk is full', () => broker.record.count >= 50);

    await disk.empty();
    const backMs = Date.now();
    await until('what is measured now arrives', () => broker.record.latestTimeMs > backMs);
    await gateway.stop();
    await verifyDeliveries(broker);
    for (const unit of units) assert.equal(holes(broker.record, `press-${unit}`).length, 1, 'only the kill may lose polls');
    tell({ ...broker.record.totals, start: seconds(startMs) });
  });

  for (const whenFull of ['drop-oldest', 'drop-newest'] as const) {
    it(`the bound of the spool is reached (${whenFull}): the gap records say exactly what is missing`, async () => {
      const broker = await scene().recordingBroker();
      const plant = await scene().plant({ kind: 'modbus-tcp', units });
      const mapping = pressMapping(plant, { units, more: BALLAST_POINT });
      const spool = `maxBytes: 128 kB, compression: none, whenFull: ${whenFull}`;
      const gateway = await scene().gateway({ broker, mappings: [mapping], spool });
      await until('messages flow', () => broker.record.count >= 50);

      await broker.kill();
      const dropped = async () => (await gateway.status()).spool.counters.dropped_messages ?? 0;
      await until('messages are dropped', async () => (await dropped()) >= 30, { withinMs: 60_000 });
      // What is dropped while it is being sent has arrived or not, nobody can tell: let the spool be still meanwhile.
      plant.freeze();
      await broker.start();
      await until('what was kept has arrived', async () => (await gateway.hub()).waitingMessages === 0);
      plant.thaw();
      const backMs = Date.now();
      const recoveryMs = await until('what is measured now arrives', () => broker.record.latestTimeMs > backMs);
      await until('hardly anything waits any more', async () => (await gateway.hub()).waitingMessages <= 10);
      await gateway.stop();

      await verifyDeliveries(broker);
      for (const unit of units) assertExactlyDeclared(broker.record, `press-${unit}`);
      tell({ ...broker.record.totals, recovery: seconds(recoveryMs) });
    });
  }
});

/** Of each poll a message carries two readings: the count and the ballast. */
function assertExactlyDeclared(record: DeliveryRecord, twin: string): void {
  const missing = holes(record, twin).reduce((sum, { count }) => sum + count, 0);
  const { messages, unnumbered, readings } = record.declaredLosses(twin);
  assert.ok(missing > 0, `${twin} has lost nothing`);
  assert.equal(readings / 2, missing, `${twin}: ${missing} polls are missing, the gap records declare ${readings / 2}`);
  assert.equal(messages - unnumbered, record.missing(twin));
}
