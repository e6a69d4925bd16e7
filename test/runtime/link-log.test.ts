import assert from 'node:assert/strict';
import { type ErrorCode, GatewayError } from '../../src/model/error.ts';
import { createLinkLog } from '../../src/runtime/link-log.ts';
import type { Log } from '../../src/runtime/log.ts';
import { HandClock } from '../support/hand-clock.ts';

describe('the log of a link', () => {
  let lines: string[];
  let tell: (...told: readonly [ErrorCode, string]) => void;
  let up: () => void;

  beforeEach(() => {
    lines = [];
    const at = (level: string) => (event: string, fields?: object) =>
      void lines.push([level, event, ...Object.values(fields ?? {}).slice(1, 2)].join(': '));
    const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: () => log };
    const clock = new HandClock();
    const write = createLinkLog();
    tell = (code, message) =>
      write({ state: 'waiting', error: new GatewayError(code, 'hub', message), retryAtMs: 1_000 }, log, clock);
    up = () => write({ state: 'up', sinceMs: 0 }, log, clock);
  });

  it('tells how it was lost, then why it does not come back, and the rest only at debug', () => {
    for (const message of ['closed', 'nobody listens', 'nobody listens', 'closed', 'nobody listens'])
      tell('HUB_REFUSED', message);
    assert.deepEqual(lines, [
      'warn: link lost: closed',
      'warn: link lost: nobody listens',
      ...['nobody listens', 'closed', 'nobody listens'].map((reason) => `debug: link still down: ${reason}`),
    ]);
  });

  it('takes reasons for the same that differ in their numbers only', () => {
    for (const year of [2026, 2027, 2028]) tell('HUB_UNTRUSTED', `expired; the clock shows ${year}-11-29T14:00:01Z`);
    assert.deepEqual(
      lines.map((line) => line.slice(0, 5)),
      ['warn:', 'debug', 'debug'],
    );
  });

  it('tells no more than eight reasons, whatever the other side says', () => {
    for (let at = 0; at < 30; at += 1) tell('HUB_REFUSED', `it begins with "${'x'.repeat(at)}"`);
    assert.equal(lines.filter((line) => line.startsWith('warn')).length, 8);
  });

  it('tells each change of the code, and all anew once it was up', () => {
    for (const code of ['HUB_REFUSED', 'HUB_TIMEOUT', 'HUB_REFUSED'] as const) tell(code, 'away');
    up();
    tell('HUB_REFUSED', 'away');
    assert.deepEqual(lines, [
      ...['away', 'away', 'away'].map((reason) => `warn: link lost: ${reason}`),
      'info: link up',
      'warn: link lost: away',
    ]);
  });
});
