import assert from 'node:assert/strict';
import { watchExpiry } from '../../../connectors/opcua/watch.ts';
import { Expiries } from '../../../src/runtime/expiries.ts';
import { type Log, silentLog } from '../../../src/runtime/log.ts';
import { HandClock } from '../../support/hand-clock.ts';

const DAY_MS = 86_400_000;

describe('OPC UA certificates that expire', () => {
  const recorded = () => {
    const warned: unknown[] = [];
    const log: Log = { ...silentLog, warn: (_, fields) => warned.push(fields?.certificate) };
    return { warned, expiries: new Expiries(log) };
  };
  const expiringIn = (days: number) => ({
    file: 'server',
    subject: 'CN=server',
    sha1: '',
    sha256: String(days),
    validToMs: Date.now() + days * DAY_MS,
  });

  for (const [days, isWarned] of [
    [61, false],
    [59, true],
    [-1, true],
  ] as const) {
    it(`are ${isWarned ? '' : 'not '}warned of ${days} days before`, () => {
      const { warned, expiries } = recorded();
      expiries.note('server', expiringIn(days));
      assert.deepEqual(warned, isWarned ? ['server'] : []);
      assert.deepEqual(Object.keys(expiries.validToMs), ['server']);
    });
  }

  it('are warned of once a day, however often the connection is tried', () => {
    const { warned, expiries } = recorded();
    for (let attempt = 0; attempt < 100; attempt += 1) expiries.note('server', expiringIn(10));
    expiries.look();
    assert.equal(warned.length, 1);
    expiries.note('server', expiringIn(9));
    assert.equal(warned.length, 2, 'another certificate is warned of by itself');
  });

  it('are looked at each day while the session lasts', async () => {
    const clock = new HandClock();
    const stop = new AbortController();
    let looks = 0;
    const watching = watchExpiry(clock, stop.signal, async () => {
      looks += 1;
    });
    await clock.advance(3 * DAY_MS);
    stop.abort();
    await watching;
    assert.equal(looks, 3);
    assert.equal(clock.sleeping, 0);
  });
});
