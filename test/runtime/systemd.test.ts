import assert from 'node:assert/strict';
import { type Health, watchHealth } from '../../src/runtime/health.ts';
import { type Log, silentLog } from '../../src/runtime/log.ts';
import { createNotifier, type Notifier } from '../../src/runtime/systemd-notifier.ts';
import { pingIntervalMs, startWatchdog } from '../../src/runtime/systemd-watchdog.ts';
import { HandClock } from '../support/hand-clock.ts';
import { canListenForNotifications, NotifySocket } from '../support/notify-socket.ts';

const isHere = canListenForNotifications();
const title = isHere ? 'systemd notifier at a socket' : 'systemd notifier (pending: apt-get install python3 systemd)';

function collectingLog(lines: string[]): Log {
  return { ...silentLog, warn: (event) => lines.push(event), error: (event) => lines.push(event) };
}

(isHere ? describe : describe.skip)(title, () => {
  let socket: NotifySocket;
  let notifier: Notifier;

  beforeEach(async () => {
    socket = new NotifySocket();
    await socket.bound();
    notifier = createNotifier({ environment: { ...process.env, NOTIFY_SOCKET: socket.path }, log: silentLog });
  });
  afterEach(() => socket.close());

  it('tells that it is ready, alive and stopping, in this order', async () => {
    await notifier.ready();
    await notifier.watchdog();
    await notifier.stopping();
    await socket.until('STOPPING=1');
    assert.deepEqual(socket.received, ['READY=1', 'WATCHDOG=1', 'STOPPING=1']);
  });

  it('lets the last status ride along with the next message, on one line', async () => {
    notifier.status('3 of 4 devices up');
    notifier.status('4 of 4\ndevices up');
    await notifier.ready();
    await notifier.watchdog();
    await socket.until('WATCHDOG=1');
    assert.deepEqual(socket.received, ['READY=1', 'STATUS=4 of 4 devices up', 'WATCHDOG=1']);
  });

  it('has one message on its way at a time and skips keep-alives meanwhile', async () => {
    const ready = notifier.ready();
    await Promise.all([ready, notifier.watchdog(), notifier.watchdog(), notifier.stopping()]);
    await socket.until('STOPPING=1');
    assert.deepEqual(socket.received, ['READY=1', 'STOPPING=1']);
  });
});

describe('systemd notifier', () => {
  it('does nothing where systemd is not listening', async () => {
    const lines: string[] = [];
    const notifier = createNotifier({ environment: {}, log: collectingLog(lines), program: '/absent' });
    notifier.status('up');
    await Promise.all([notifier.ready(), notifier.watchdog(), notifier.stopping()]);
    assert.deepEqual(lines, []);
  });

  for (const [what, program] of [
    ['absent', '/absent/systemd-notify'],
    ['failing', 'false'],
  ] as const) {
    it(`logs and goes on when systemd-notify is ${what}`, async () => {
      const lines: string[] = [];
      const environment = { ...process.env, NOTIFY_SOCKET: '/absent/socket' };
      await createNotifier({ environment, log: collectingLog(lines), program }).ready();
      assert.deepEqual(lines, ['systemd notification failed']);
    });
  }

  it('leaves no timer behind, message after message, when systemd-notify is absent', async () => {
    const environment = { NOTIFY_SOCKET: '/absent/socket' };
    const notifier = createNotifier({ environment, log: silentLog, program: '/absent/systemd-notify' });
    const timersAfterOneMore = async () => {
      await notifier.watchdog();
      return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    };
    const before = await timersAfterOneMore();
    assert.ok((await timersAfterOneMore()) <= before);
  });
});

describe('systemd watchdog', () => {
  it('pings at half of what the unit allows, for this process only', () => {
    assert.equal(pingIntervalMs({ WATCHDOG_USEC: '60000000' }, 7), 30_000);
    assert.equal(pingIntervalMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' }, 7), 30_000);
    assert.equal(pingIntervalMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' }, 7), undefined);
    assert.equal(pingIntervalMs({}, 7), undefined);
    assert.equal(pingIntervalMs({ WATCHDOG_USEC: 'soon' }, 7), undefined);
  });

  it('pings while the gateway is healthy, is silent while it is ill, and pings again', async () => {
    const clock = new HandClock();
    const stop = new AbortController();
    const lines: string[] = [];
    let pings = 0;
    const watchdog = async () => {
      pings += 1;
    };
    let health: Health = { isHealthy: true, reasons: [] };
    startWatchdog({
      environment: { WATCHDOG_USEC: '2000000' },
      notifier: { async ready() {}, async stopping() {}, status() {}, watchdog },
      health: () => health,
      clock,
      log: collectingLog(lines),
      signal: stop.signal,
    });
    await clock.advance(3_000);
    assert.equal(pings, 4);
    health = { isHealthy: false, reasons: ['spool has work and has not moved for 120 s'] };
    await clock.advance(3_000);
    assert.equal(pings, 4);
    assert.deepEqual(lines, ['watchdog withheld']);
    health = { isHealthy: true, reasons: [] };
    await clock.advance(1_000);
    assert.equal(pings, 5);
    stop.abort();
    await clock.advance(10_000);
    assert.deepEqual([pings, clock.sleeping, lines.length], [5, 0, 1]);
  });

  it('withholds the ping when the event loop was blocked', async () => {
    const clock = new HandClock();
    const stop = new AbortController();
    const health = watchHealth({ clock, signal: stop.signal, parts: () => ({}), everyMs: 1_000, maxEventLoopDelayMs: 300 });
    // The first tick of the measurement has nothing to be compared with.
    await new Promise((resolve) => setTimeout(resolve, 250));
    const blockedUntil = performance.now() + 800;
    while (performance.now() < blockedUntil);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await clock.advance(1_000);
    assert.equal(health().isHealthy, false);
    assert.match(health().reasons.join(), /event loop is \d+ ms late/);
    stop.abort();
  });
});
