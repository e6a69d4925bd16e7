import assert from 'node:assert/strict';
import { type RunningGateway, startGateway } from '../../src/gateway/gateway.ts';
import { DeliveryBook } from '../../src/receiver/delivery-book.ts';
import { parseMessage } from '../../src/receiver/received-message.ts';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { emptyMemory } from '../../src/simulator/modbus-memory.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { planOf } from '../support/gateway-plan.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { ShiftedTime } from '../support/shifted-time.ts';
import { SinkBroker } from '../support/sink-broker.ts';

type Message = Readonly<Record<string, unknown>>;

const HOUR_MS = 3_600_000;
const untilIn1970 = () => 60_000 - Date.now();

describe('the gateway and a clock that is wrong', function () {
  this.timeout(20_000);
  let plc: ModbusTcpServer;
  let broker: SinkBroker;
  let configuration: TemporaryConfiguration;
  let log: RecordedLog;
  let gateway: RunningGateway | undefined;

  beforeEach(async () => {
    const device = new SimulatedModbusDevice({ memory: emptyMemory() });
    plc = await startModbusTcpServer({ port: 0, units: new Map([[1, device]]) });
    broker = await SinkBroker.start();
    log = new RecordedLog();
    configuration = new TemporaryConfiguration({
      'gateway.yaml': `gateway: { id: gw-01 }
hubs: { cloud: { dialect: mqtt, url: "${broker.url}" } }
spool: { directory: ./spool, commitWindow: 5 ms }
operations: { port: 0 }
`,
      'mappings/press.yaml': `twin: press-07
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${plc.port}, unit: 1 }
message: { maxAge: 200 ms }
points:
  speed: { address: { holding: 1 }, type: uint16, interval: 50 ms }
`,
    });
  });

  afterEach(async () => {
    await gateway?.stop(0);
    await broker.stop();
    await plc.close();
    configuration[Symbol.dispose]();
  });

  const start = async (time: ShiftedTime) => {
    const options = { log: log.log, version: '0', stateDirectory: configuration.path('state'), time };
    gateway = await startGateway(await planOf(configuration), options);
    return gateway;
  };
  const telemetry = (): readonly Message[] => broker.messages.filter(({ schema }) => schema === 'gw.telemetry/1');
  const stepped = (): Message | undefined => broker.messages.find(({ state }) => state === 'clock stepped');
  const isNear = (timeMs: unknown, nowMs = Date.now()) => Math.abs(Number(timeMs) - nowMs) < 15_000;

  it('says so as long as it does not know the time, and tells when it learns it', async () => {
    const time = new ShiftedTime('first', untilIn1970());
    const running = await start(time);
    assert.equal(running.status().clock.state, 'doubted');
    await broker.until(() => telemetry().length >= 3);
    assert.ok(telemetry().every(({ clock, t0 }) => clock === 'unsynchronised' && Number(t0) < HOUR_MS));
    assert.ok(telemetry().every(({ sentClock }) => sentClock === 'unsynchronised'));
    time.shiftMs = 0;
    await broker.until(() => stepped() !== undefined);
    const known = () => telemetry().filter(({ clock }) => clock === undefined);
    await broker.until(() => known().length >= 3);
    assert.ok(known().every(({ sentClock, t0 }) => sentClock === undefined && isNear(t0)));
    const { from, to, offsetMs, isKnown, clock } = stepped() ?? {};
    assert.ok(isNear(Date.parse(String(to))) && Date.parse(String(from)) < HOUR_MS);
    assert.ok(Math.abs(Number(offsetMs) - (Date.parse(String(to)) - Date.parse(String(from)))) <= 1);
    assert.deepEqual([isKnown, clock], [true, undefined]);
    assert.deepEqual(running.status().clock, { state: 'known', steps: 1 });
    assert.equal(log.events('clock stepped').length, 1);
  });

  it('corrects what waits in the spool once it knows the time, in order, after a restart too', async () => {
    broker.script = { connackCode: 3 };
    const time = new ShiftedTime('first', untilIn1970());
    const startedMs = Date.now();
    const first = await start(time);
    const waits = () => first.status().hubs[0]?.waitingMessages ?? 0;
    await until(() => waits() >= 4);
    time.shiftMs = 0;
    await until(() => log.events('clock stepped').length > 0);
    await first.stop(0);
    broker.script = {};
    await start(new ShiftedTime('second', 0));
    await broker.until(() => telemetry().some(({ clock }) => clock === undefined));
    const corrected = telemetry().filter(({ clock }) => clock === 'corrected');
    assert.ok(corrected.length >= 4);
    assert.ok(corrected.every(({ correctedByMs }) => Math.abs(Number(correctedByMs) + untilIn1970()) < 15_000));
    const times = telemetry().map(({ t0 }) => Number(t0));
    assert.ok(isNear(times[0], startedMs));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  for (const [direction, byMs] of Object.entries({ ahead: HOUR_MS, back: -HOUR_MS })) {
    it(`tells that a clock jumps ${direction} that it knew, and puts no two times into one message`, async () => {
      const time = new ShiftedTime('first', 0);
      await start(time);
      await broker.until(() => telemetry().length >= 2);
      time.shiftMs = byMs;
      await broker.until(() => stepped() !== undefined);
      const isAfter = ({ t0 }: Message) => isNear(t0, Date.now() + byMs);
      await broker.until(() => telemetry().filter(isAfter).length >= 2);
      const after = telemetry().slice(telemetry().findIndex(isAfter));
      assert.ok(after.every(isAfter));
      assert.ok(telemetry().every(({ clock }) => clock === undefined));
      assert.ok(Math.abs(Number(stepped()?.offsetMs) - byMs) < 5_000);
      for (const { values } of telemetry()) {
        const { speed = [] } = values as Readonly<Record<string, readonly (readonly [number])[]>>;
        const offsets = speed.map(([offsetMs]) => offsetMs);
        assert.deepEqual(
          offsets,
          offsets.toSorted((one, other) => one - other),
        );
        assert.ok((offsets.at(-1) ?? 0) < 10_000);
      }
    });
  }

  it('gives a receiver no reason to complain when a message comes again with its time corrected', () => {
    const doubted = { id: 'gw:press:e1:1', gateway: 'gw', twin: 'press', epoch: 'e1', seq: 1, t0: 5, values: { a: [[0, 1]] } };
    const book = new DeliveryBook();
    for (const more of [
      { clock: 'unsynchronised', sentClock: 'unsynchronised' },
      { clock: 'corrected', correctedByMs: 90, t0: 95 },
    ]) {
      const message = parseMessage(JSON.stringify({ ...doubted, ...more }));
      if (message !== undefined) book.take(message);
    }
    assert.deepEqual([book.report().isComplete, book.report().streams[0]?.duplicates], [true, 1]);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}
