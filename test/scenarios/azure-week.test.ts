import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TwinMessage } from '../../src/model/twin-message.ts';
import { fileSecret } from '../../src/northbound/file-secret.ts';
import { type Forwarding, startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { silentLog } from '../../src/runtime/log.ts';
import type { DeviceTwin } from '../support/azure/device-twin.ts';
import { IotHub } from '../support/azure/iot-hub.ts';
import { azureDialect, KEY, OTHER_KEY, press, secret } from '../support/azure/plant.ts';
import { ProvisioningService } from '../support/azure/provisioning.ts';
import { createAuthority, type TestAuthority } from '../support/certificates.ts';
import { HandClock } from '../support/hand-clock.ts';
import { RecordedSpoolReader, telemetry } from '../support/recorded-spool-reader.ts';

const [FIRST, SECOND, SERVICE] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const STEP_MS = 30 * MINUTE_MS;
const SLICE_MS = 10 * MINUTE_MS;
/** Nothing moves for so long in real time: then everybody waits for the clock. */
const STILL_MS = 12;

/** One gateway with its spool. */
interface Gateway {
  readonly twin: string;
  readonly reader: RecordedSpoolReader;
  readonly forwarding: Forwarding;
}

describe('a week with Azure', function () {
  this.timeout(300_000);
  let authority: TestAuthority;
  let directory: string;
  let hubs: readonly [IotHub, IotHub];
  let service: ProvisioningService;
  let gateways: readonly Gateway[];
  let clock: HandClock;
  let assigned: string = FIRST;

  before(async () => {
    clock = new HandClock(Date.now());
    authority = await createAuthority();
    directory = await mkdtemp(join(tmpdir(), 'azure-week-'));
    const addresses = [FIRST, SECOND, SERVICE].map((value) => ({ type: 'ip' as const, value }));
    const server = await authority.issue('server', { subjectAltNames: addresses });
    const tls = { cert: await readFile(server.certificate), key: await readFile(server.privateKey) };
    const nowMs = () => clock.nowMs();
    const first = await IotHub.start({ address: FIRST, tls, nowMs });
    hubs = [first, await IotHub.start({ address: SECOND, port: first.port, tls, nowMs })];
    service = await ProvisioningService.start({
      ...{ address: SERVICE, port: first.port, tls, idScope: '0ne00ABCDEF', enrolment: { key: KEY }, nowMs },
      assign: (deviceId) => ({ host: assigned, deviceId }),
    });
    first.register('by-token', { keys: [KEY] });
    const used = await issueFor('by-certificate');
    first.register('by-certificate', { thumbprints: [await thumbprintOf(used)] });
    const certificate = {
      certificate: join(directory, 'used.crt'),
      privateKey: await fileSecret('used.key', join(directory, 'used.key')),
    };
    const provisioning = { idScope: '0ne00ABCDEF', host: SERVICE };
    gateways = [
      start('by-token', { provisioning, auth: { key: secret(KEY), otherKey: secret(OTHER_KEY) }, tokenLife: '1 h' }),
      start('by-certificate', { host: FIRST, auth: certificate }),
    ];
  });

  after(async () => {
    const stopping = Promise.all(gateways.map(({ forwarding }) => forwarding.stop(0)));
    const moving = setInterval(() => void clock.advance(1_000), 5);
    await stopping;
    clearInterval(moving);
    await Promise.all([...hubs, service].map((one) => one.stop()));
    await authority.remove();
    await rm(directory, { recursive: true, force: true });
  });

  async function issueFor(name: string): Promise<string> {
    const { certificate, privateKey } = await authority.issue(name);
    await copyFile(certificate, join(directory, 'used.crt'));
    await copyFile(privateKey, join(directory, 'used.key'));
    return certificate;
  }

  async function thumbprintOf(file: string): Promise<string> {
    return new X509Certificate(await readFile(file)).fingerprint256;
  }

  function start(deviceId: string, settings: Readonly<Record<string, unknown>>): Gateway {
    const twin = `twin-${deviceId}`;
    const dialect = azureDialect({
      settings: { ...settings, deviceId, port: hubs[0].port, ca: authority.ca },
      devices: [press(twin)],
      context: { clock, stateDirectory: join(directory, deviceId) },
    });
    const reader = new RecordedSpoolReader();
    const forwarding = startForwarding({
      ...{ hub: createMqttHub(deviceId, dialect, clock), reader, gateway: 'gw-01', clock, log: silentLog },
      execute: async (command) => ({
        ...{ id: command.id, device: command.device, status: 'done' },
        points: {
          speedSetpoint: { status: 'written', value: ('desired' in command ? command.desired.speedSetpoint : undefined) ?? 0 },
        },
      }),
    });
    return { twin, reader, forwarding };
  }

  const isThrough = ({ reader }: Gateway) => reader.cursor === (reader.stored.at(-1)?.offset ?? 0);
  const isUp = ({ forwarding }: Gateway) => forwarding.status().link.state === 'up';
  const activity = () =>
    gateways.reduce((sum, { reader }) => sum + reader.acknowledged.length, 0) +
    hubs.reduce(
      (sum, hub) => sum + hub.connects.length + hub.telemetry.length + hub.openConnections,
      service.packets + service.openConnections,
    );

  /** Lets time pass until everything is with a hub, at most so long; real time only as much as sockets need. */
  const catchUp = (withinMs: number) => pass(isThrough, withinMs);

  async function pass(isDone: (gateway: Gateway) => boolean, withinMs: number): Promise<void> {
    const endMs = clock.nowMs() + withinMs;
    let seen = activity();
    let sinceMs = performance.now();
    while (!gateways.every(isDone) && clock.nowMs() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (activity() !== seen) [seen, sinceMs] = [activity(), performance.now()];
      else if (performance.now() - sinceMs > STILL_MS) await clock.advance(1_000);
    }
  }

  async function live(untilMs: number): Promise<void> {
    while (clock.nowMs() < untilMs) {
      const endMs = clock.nowMs() + STEP_MS;
      for (const { twin, reader } of gateways) {
        for (let index = 0; index < 2; index += 1) reader.append(telemetry(twin, reader.stored.length, clock.nowMs()));
        reader.append(state(twin, reader.stored.length));
      }
      await catchUp(STEP_MS);
      // Nobody may sleep through the end of a token because a test jumps.
      while (clock.nowMs() < endMs) {
        await clock.advance(Math.min(SLICE_MS, endMs - clock.nowMs()));
        await pass(isUp, MINUTE_MS);
        for (const hub of hubs) hub.expire();
      }
    }
  }

  function state(twin: string, value: number): TwinMessage {
    return { twin, kind: 'property', startTimeMs: clock.nowMs(), values: { isRunning: [[0, value]] } };
  }

  const twinOf = (hub: IotHub, id: string): DeviceTwin => hub.device(id).twin;

  it('loses nothing to tokens that end, throttling, a hub that moves, a certificate that is renewed, and restarts', async () => {
    const [first, second] = hubs;
    const startMs = clock.nowMs();
    const day = (number: number) => startMs + number * DAY_MS;
    await live(day(1));
    const renewals = first.connects.filter(({ clientId }) => clientId === 'by-token').length;
    assert.ok(renewals >= 24, `${renewals} connects in a day of tokens that live an hour`);

    let refused = 0;
    const isThrottled = () => clock.nowMs() < day(1) + HOUR_MS;
    first.script = {
      patchStatus: (count) => {
        if (!isThrottled() || count % 2 === 0) return undefined;
        refused += 1;
        return 429;
      },
      answer: (_, index) => (isThrottled() && index % 5 === 0 ? 'cut' : 'acknowledge'),
    };
    await live(day(1) + 2 * HOUR_MS);
    first.script = {};
    assert.ok(refused > 0);

    await live(day(2));
    await first.stop();
    await clock.advance(20 * MINUTE_MS);
    await first.listen();
    await live(day(3));
    const moved = second.register('by-token', { keys: [KEY] });
    first.device('by-token').isEnabled = false;
    assigned = SECOND;
    first.cut();
    await live(day(4));
    assert.equal(moved.twin.reportedVersion > 1, true);

    const renewed = await issueFor('renewed');
    first.device('by-certificate').thumbprints = [...first.device('by-certificate').thumbprints, await thumbprintOf(renewed)];
    await live(day(5));
    first.device('by-certificate').thumbprints = [await thumbprintOf(renewed)];
    first.cut();
    await live(day(6));
    second.desire('by-token', { 'twin-by-token': { speedSetpoint: 900 } });
    for (let hour = 1; hour <= 24; hour += 1) {
      await live(day(6) + hour * HOUR_MS);
      if (hour % 3 === 0) for (const hub of hubs) hub.cut();
    }
    await catchUp(HOUR_MS);

    for (const { twin, reader } of gateways) {
      const told = new Set(
        [...first.messages, ...second.messages].filter((one) => one.twin === twin).map(({ seq }) => Number(seq)),
      );
      const missing = reader.stored.filter(({ message, sequence }) => message.kind === 'telemetry' && !told.has(sequence));
      assert.deepEqual(missing, []);
      assert.ok(isThrough({ reader } as Gateway));
      assert.deepEqual(reader.rejected, []);
      assert.ok(reader.stored.length > 900);
    }
    const lastOf = ({ reader }: Gateway) => reader.stored.filter(({ message }) => message.kind === 'property').at(-1);
    const [token, certificate] = gateways;
    assert.ok(token !== undefined && certificate !== undefined);
    for (const [gateway, twin] of [
      [token, twinOf(second, 'by-token')],
      [certificate, twinOf(first, 'by-certificate')],
    ] as const) {
      const expected = lastOf(gateway)?.message.values.isRunning?.[0]?.[1];
      const reported = twin.reported[gateway.twin] as Readonly<Record<string, unknown>>;
      assert.equal(reported.isRunning, expected);
    }
    const { speedSetpoint } = twinOf(second, 'by-token').reported['twin-by-token'] as Readonly<Record<string, unknown>>;
    assert.deepEqual(speedSetpoint, { value: 900, ac: 200, av: 2, ad: 'done' });
    assert.deepEqual([...first.violations, ...second.violations, ...service.violations], []);
    // On a busy machine the clock outruns an answer now and then, and it is asked again.
    assert.ok(service.registrations.length >= 2);
  });
});
