import assert from 'node:assert/strict';
import { Mosquitto } from '../support/mosquitto.ts';
import { MosquittoBroker } from '../support/scenario/brokers.ts';
import { tell } from '../support/scenario/figures.ts';
import { pressMapping, SETPOINT_POINT } from '../support/scenario/plant.ts';
import { holes } from '../support/scenario/polls.ts';
import { eachScene, itWithMosquitto } from '../support/scenario/scene.ts';
import { pause, until } from '../support/scenario/wait.ts';
import { HostApplication } from '../support/sparkplug/host-application.ts';
import { recordOf } from '../support/sparkplug/host-record.ts';

const units = [1, 2];
const INTERVAL_MS = 20;
const EDGE_NODE = ['group: plant-a', 'primaryHost: scada', 'rebirthAtMostEvery: 200 ms'];

describe('an edge node of Sparkplug and a host that believes nothing', () => {
  const scene = eachScene();

  itWithMosquitto('everything arrives in order, whoever is killed, and commands come back', async () => {
    // What is retained dies with this broker: its host says that it is there when it listens again.
    const broker = await Mosquitto.start(MosquittoBroker.program ?? '', ['allow_anonymous true', 'persistence false']);
    scene().atEnd(() => broker.stop());
    const scada = await HostApplication.start({ port: broker.port, group: 'plant-a', edgeNode: 'gw-01', name: 'scada' });
    scene().atEnd(() => scada.end());
    const plant = await scene().plant({ kind: 'modbus-tcp', units });
    const mappings = [pressMapping(plant, { units, intervalMs: INTERVAL_MS, more: SETPOINT_POINT })];
    const gateway = await scene().gateway({ broker, dialect: 'sparkplug-b', hub: EDGE_NODE, mappings });
    const { host } = scada;
    const births = () => host.heard.filter(({ verb }) => verb === 'NBIRTH').length;
    const live = () => host.metric('press-1', 'polls')?.live.timeMs ?? 0;
    const isLive = () => live() > Date.now() - 1_000;
    const caughtUp = async () => {
      await until('the host sees what is measured now', isLive);
      await until('hardly anything waits', async () => (await gateway.hub()).waitingMessages <= 10);
    };
    await caughtUp();
    assert.equal(host.bdSeq, 0);

    await scada.write('press-1', 'setpoint', 900, 'w1');
    await until('the write is answered', () => scada.result('w1') !== undefined);
    assert.match(JSON.stringify(scada.result('w1')), /"status":"done".*"value":900/);
    await until('the host sees the new setpoint', () => host.metric('press-1', 'setpoint')?.live.value === 900);
    await scada.write('press-1', 'setpoint', 1_501, 'w2');
    await until('the other write is answered', () => scada.result('w2') !== undefined);
    assert.match(JSON.stringify(scada.result('w2')), /"status":"refused".*COMMAND_OUT_OF_RANGE/);
    const { writes, setpoint } = await plant.state(1);
    assert.deepEqual({ writes, setpoint, neighbour: (await plant.state(2)).writes }, { writes: 1, setpoint: 900, neighbour: 0 });

    const before = births();
    await scada.askRebirth();
    await until('the edge node is born anew', () => births() === before + 1);
    assert.equal(host.bdSeq, 0);

    const outageMs = Date.now();
    // Much is under way that it never reads.
    broker.signal('SIGSTOP');
    await pause(500);
    await broker.kill();
    const waitingMs = Date.now();
    await until('messages wait on disk', async () => (await gateway.hub()).waitingMessages >= 40);
    await broker.resume();
    await caughtUp();
    assert.ok((host.bdSeq ?? 0) > 0);

    const bdSeq = host.bdSeq;
    const killedMs = Date.now();
    await gateway.kill();
    await until('the host is told of the death', () => !host.isOnline);
    await gateway.start();
    await until('the edge node is born again', () => host.isOnline);
    assert.equal(host.bdSeq, ((bdSeq ?? 0) + 1) % 256);
    await caughtUp();

    await scada.goOffline();
    const heardBefore = host.heard.length;
    await until('messages wait for the host', async () => (await gateway.hub()).waitingMessages >= 20);
    const again = await HostApplication.start({ port: broker.port, group: 'plant-a', edgeNode: 'gw-01', name: 'scada' });
    scene().atEnd(() => again.end());
    await until('the edge node is born for it', () => again.host.isOnline);
    await until('hardly anything waits', async () => (await gateway.hub()).waitingMessages <= 10);
    await gateway.stop();
    await until('it says that it goes', () => !again.host.isOnline);

    assert.deepEqual([host.violations, again.host.violations, host.heard.length], [[], [], heardBefore]);
    const record = recordOf({ heard: [...host.heard, ...again.host.heard] });
    await until('everything has arrived', () => record.isComplete, { withinMs: 1_000 }).catch(() => {});
    record.verify();
    for (const twin of ['press-1', 'press-2']) {
      const offs = record.gaps(twin).filter(({ reason }) => reason === 'gateway-off');
      for (const hole of holes(record, twin)) {
        assert.ok(hole.fromTimeMs <= killedMs && hole.toTimeMs >= killedMs, `${twin}: ${hole.count} polls are missing`);
        const isDeclared = offs.some(
          ({ from, to }) => Date.parse(from) <= hole.fromTimeMs + INTERVAL_MS && Date.parse(to) >= killedMs,
        );
        assert.ok(isDeclared, `${twin}: the last ${killedMs - hole.fromTimeMs} ms before the kill are missing, and not declared`);
      }
      const told = host.samples.get(`${twin}/polls`) ?? [];
      const bornWithMs = told.find(({ timeMs, isHistorical }) => timeMs > outageMs && !isHistorical)?.timeMs ?? 0;
      assert.ok(
        bornWithMs > waitingMs,
        `${twin}: the first live value after the outage is of ${bornWithMs - outageMs} ms after its begin`,
      );
      const missed = told.filter(({ timeMs }) => timeMs > outageMs && timeMs < bornWithMs);
      assert.ok(missed.length > 0 && missed.every(({ isHistorical }) => isHistorical), `${twin}: the outage is not history`);
    }
    tell({ ...record.totals, births: births(), bdSeq: host.bdSeq ?? -1 });
  });
});
