import assert from 'node:assert/strict';
import { displayWidth } from '../../src/cli/display-text.ts';
import { renderLiveView, type ViewExtras } from '../../src/cli/live-view.ts';
import type { DeviceStatus, GatewayStatus, PointStatus } from '../../src/model/status.ts';
import { spoolStatus } from '../support/spool-status.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const EXTRAS: ViewExtras = { events: ['12:00:00 info link up link=press-07'], hint: 'help · quit', prompt: 'plant down pre' };

function device(twin: string, points: readonly PointStatus[]): DeviceStatus {
  return { twin, state: 'up', readings: 1200, messages: 40, failures: 0, points };
}

function statusOf(...devices: readonly DeviceStatus[]): GatewayStatus {
  return {
    gateway: 'demo-gateway',
    version: '1.2.3',
    startedTimeMs: NOW_MS - 61_000,
    nowMs: NOW_MS,
    clock: { state: 'known', steps: 0 },
    connections: [
      {
        name: 'hall-3',
        protocol: 'modbus-tcp',
        endpoint: 'modbus-tcp://127.0.0.1:15502',
        link: { state: 'up', sinceMs: NOW_MS - 5_000 },
        counters: {},
        devices,
      },
    ],
    hubs: [
      {
        name: 'cloud',
        dialect: 'mqtt',
        endpoint: 'mqtt://127.0.0.1:18830',
        link: {
          state: 'waiting',
          retryAtMs: NOW_MS + 4_000,
          error: { code: 'HUB_REFUSED', subject: 'cloud', message: 'connection refused', action: '' },
        },
        waitingMessages: 17,
        inFlight: 3,
        window: 50,
        counters: { acknowledged_messages: 95 },
      },
    ],
    spool: spoolStatus(1_536, 4 * 2 ** 30, {}),
  };
}

const PRESS = device('press-07', [
  { name: 'oilTemperature', value: 48.512345, quality: 'good', unit: 'degreeCelsius', sourceTimeMs: NOW_MS - 300 },
  { name: 'motorCurrent', value: null, quality: 'bad', status: 'BadTimeout', sourceTimeMs: NOW_MS - 65_000 },
  { name: 'speed' },
]);

describe('live view', () => {
  it('shows connections, hub, spool and points with value, quality and age', () => {
    const screen = renderLiveView(statusOf(PRESS), { columns: 120, rows: 30 }, EXTRAS).join('\n');
    for (const expected of [
      /demo-gateway {2}running 61s/,
      /modbus-tcp +up 5\.0s +hall-3/,
      /hub +waiting 4\.0s +cloud: 95 sent, 17 to send, 3 in flight {2}HUB_REFUSED: connection refused/,
      /spool +ok +17 messages deep, 1\.5 KiB of 4 GiB, 1 segments/,
      /press-07 {2}up {2}1200 readings, 40 messages/,
      /oilTemperature +48\.5123 degreeCelsius good +0\.3s/,
      /motorCurrent +BadTimeout bad +65s/,
      /speed +–/,
      /link up link=press-07/,
      /help · quit\n> plant down pre▏$/,
    ]) {
      assert.match(screen, expected);
    }
  });

  for (const columns of [40, 80, 120]) {
    for (const rows of [8, 24, 50]) {
      it(`fills ${columns} by ${rows} and never more`, () => {
        const many = Array.from({ length: 40 }, (_, index) => ({
          name: `point${index}`,
          value: index,
          quality: 'good' as const,
        }));
        const lines = renderLiveView(statusOf(PRESS, device('press-08', many)), { columns, rows }, EXTRAS);
        assert.equal(lines.length, rows);
        for (const line of lines) assert.ok(displayWidth(line) <= columns, `${displayWidth(line)} columns: ${line}`);
        assert.match(lines.at(-1) ?? '', /^> plant down pre▏/);
      });
    }
  }

  it('says how many points there was no room for', () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ name: `point${index}`, value: index }));
    const screen = renderLiveView(statusOf(device('press-08', many)), { columns: 80, rows: 20 }, EXTRAS).join('\n');
    const shown = screen.match(/point\d+/g)?.length ?? 0;
    assert.match(screen, new RegExp(`… ${40 - shown} more in a larger window`));
  });

  it('keeps columns straight under names that are long or wide', () => {
    const names = ['温度センサー温度センサー温度センサー温度センサー', 'a'.repeat(200), '🌡️temperature', 'öl'];
    const points = names.map((name) => ({ name, value: 1, quality: 'good' as const, sourceTimeMs: NOW_MS }));
    const lines = renderLiveView(statusOf(device('press-07', points)), { columns: 60, rows: 30 }, EXTRAS);
    const widths = lines.filter((line) => line.includes(' good ')).map(displayWidth);
    assert.equal(widths.length, names.length);
    assert.deepEqual(new Set(widths).size, 1);
  });

  it('never lets a device command the terminal', () => {
    const evil = { name: 'b', value: '\x1b[2J\x07B\n1\u202e', quality: 'good' as const };
    const screen = renderLiveView(statusOf(device('filler-02', [evil])), { columns: 160, rows: 20 }, EXTRAS);
    assert.doesNotMatch(screen.join(''), /[\p{Cc}\p{Cf}]/u);
    assert.match(screen.join('\n'), /\\u\{1b\}\[2J\\u\{7\}B\\u\{a\}1\\u\{202e\}/);
  });
});
