import assert from 'node:assert/strict';
import { warnOfExpiry } from '../../../connectors/opcua/server-trust.ts';
import { watchExpiry } from '../../../connectors/opcua/watch.ts';
import { type Log, silentLog } from '../../../src/runtime/log.ts';
import { HandClock } from '../../support/hand-clock.ts';

const DAY_MS = 86_400_000;

describe('OPC UA certificates that expire', () => {
  for (const [days, isWarned] of [
    [61, false],
    [59, true],
    [-1, true],
  ] as const) {
    it(`are ${isWarned ? '' : 'not '}warned of ${days} days before`, () => {
      const warned: unknown[] = [];
      const log: Log = { ...silentLog, warn: (_, fields) => warned.push(fields?.certificate) };
      const certificate = { file: 'server', subject: 'CN=server', sha1: '', sha256: '', validToMs: Date.now() + days * DAY_MS };
      warnOfExpiry(certificate, log);
      assert.deepEqual(warned, isWarned ? ['server'] : []);
    });
  }

  it('are looked at each day while the session lasts', async () => {
    const clock = new HandClock();
    const stop = new AbortController();
    let looks = 0;
    const watching = watchExpiry(clock, stop.signal, () => {
      looks += 1;
    });
    await clock.advance(3 * DAY_MS);
    stop.abort();
    await watching;
    assert.equal(looks, 3);
    assert.equal(clock.sleeping, 0);
  });
});
