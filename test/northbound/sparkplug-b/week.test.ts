import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import type { TwinMessage } from '../../../src/model/twin-message.ts';
import { startForwarding } from '../../../src/northbound/forwarder.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { RecordedSpoolReader } from '../../support/recorded-spool-reader.ts';
import { SinkBroker } from '../../support/sink-broker.ts';
import { edge, host, hubOf, T0 } from './plant.ts';

const STATE = 'spBv1.0/STATE/scada';
const MINUTE_MS = 60_000;
const MINUTES = 7 * 24 * 60;
const EVERY_DAY = 24 * 60;

/**
 * A week of one value a minute, told in seconds: each day the broker is cut off twice, the primary host goes away and returns, and the
 * meter dies and returns.
 */
describe('a week of Sparkplug', () => {
  it('loses nothing, and keeps every rule, whatever goes away', async function () {
    this.timeout(60_000);
    const state = (online: boolean, timestamp: number) => JSON.stringify({ online, timestamp });
    const broker = await SinkBroker.start({ retained: { [STATE]: state(true, 1) } });
    const node = await edge({ url: broker.url, primaryHost: 'scada', acknowledgeTimeout: '10 s' });
    const reader = new RecordedSpoolReader();
    const forwarding = startForwarding({
      ...{ hub: hubOf(node), reader, gateway: 'gw-01', clock: systemClock, log: silentLog },
      backOff: { firstMs: 5, maxMs: 20, resetAfterMs: 1 },
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
    });
    const delivered = async (messages: number) => {
      while (reader.cursor < messages * 10) await systemClock.sleep(2);
    };
    let isDead = false;
    const tellMinute = (minute: number) => {
      const startTimeMs = T0 + minute * MINUTE_MS;
      if (isDead) node.field.lose('meter-01', startTimeMs);
      else node.field.read('meter-01', 'energy', minute, startTimeMs);
      const values: TwinMessage['values'] = isDead ? { energy: [[0, null, 'bad', 'BadTimeout']] } : { energy: [[0, minute]] };
      reader.append({ twin: 'meter-01', kind: 'telemetry', startTimeMs, values });
    };
    for (let minute = 0; minute < MINUTES; minute += 1) {
      const ofDay = minute % EVERY_DAY;
      const stamp = 2 + 2 * Math.floor(minute / EVERY_DAY);
      if (ofDay === 300 || ofDay === 900) broker.cut();
      if (ofDay === 600) {
        broker.script.retained = { [STATE]: state(false, stamp) };
        broker.send(STATE, state(false, stamp), { qos: 0 });
      }
      if (ofDay === 700) {
        broker.script.retained = { [STATE]: state(true, stamp + 1) };
        broker.send(STATE, state(true, stamp + 1), { qos: 0 });
      }
      // So that the meter dies before the eyes of the host, and not in a backlog only.
      if (ofDay === 1_100 || ofDay === 1_115) await delivered(minute);
      if (ofDay === 1_100) isDead = true;
      if (ofDay === 1_130) isDead = false;
      tellMinute(minute);
      if (minute % 20 === 0) await systemClock.sleep(1);
    }
    await delivered(MINUTES);
    await forwarding.stop(1_000);
    await broker.stop();
    await rm(node.stateDirectory, { recursive: true });

    const heard = host();
    for (const { topic, payload, qos, retain } of broker.publishes) heard.hear(topic, payload, { qos, retain });
    assert.deepEqual([heard.violations, broker.violations], [[], []]);
    assert.equal(new Set(heard.uuids).size, MINUTES);
    const told = new Set(
      heard.samples
        .get('meter-01/energy')
        ?.filter(({ value }) => value !== null)
        .map(({ value, timeMs }) => `${value}@${timeMs}`),
    );
    for (let minute = 0; minute < MINUTES; minute += 1) {
      const ofDay = minute % EVERY_DAY;
      if (ofDay < 1_100 || ofDay >= 1_130) assert.ok(told.has(`${minute}@${T0 + minute * MINUTE_MS}`), `minute ${minute}`);
    }
    const verbs = heard.heard.map(({ verb }) => verb);
    assert.ok(verbs.filter((verb) => verb === 'DDEATH').length >= 7);
    assert.ok(broker.connects.length >= 8, `${broker.connects.length} connections`);
  });
});
