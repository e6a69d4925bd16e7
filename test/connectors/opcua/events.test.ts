import assert from 'node:assert/strict';
import { DataType } from 'node-opcua';
import { eventSchema, methodSchema } from '../../../connectors/opcua/features.ts';
import type { DeviceEvent } from '../../../src/model/device-event.ts';
import type { Connector, ConnectorSession } from '../../../src/southbound/connector.ts';
import { addMachine, MACHINE, type Machine } from '../../support/opcua-machine.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { Bench, FAST, makePlan, OPEN } from './support.ts';

const NO_STOP = new AbortController().signal;
const nodeOf = (name: string) => `nsu=${MACHINE};s=${name}`;

/** What came, with a way to wait for what must come. */
class Told {
  readonly events: DeviceEvent[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(session: ConnectorSession) {
    session.events?.subscribe((event) => {
      this.events.push(event);
      for (const check of this.#waiting) check();
    });
  }

  until(wanted: (event: DeviceEvent) => boolean): Promise<DeviceEvent> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.events.find(wanted);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  of(name: string): readonly unknown[] {
    return this.events.filter((event) => event.name === name).map(({ body }) => body.Message);
  }
}

const saying = (message: string) => (event: DeviceEvent) => event.body.Message === message;

describe('OPC UA events', () => {
  let server: TestServer;
  let machine: Machine;
  const bench = new Bench();

  before(async () => {
    server = await startOpcuaServer();
    machine = await addMachine(server.server);
  });
  after(() => server.stop());
  beforeEach(() => bench.begin());
  afterEach(async () => {
    await bench.end();
    run(true);
  });

  function run(isRunning: boolean): void {
    machine.set('Running', { dataType: DataType.Boolean, value: isRunning });
  }

  function connector(events: Readonly<Record<string, object>>, url = server.url): Connector {
    const plan = makePlan({ url, ...OPEN, ...FAST }, { press: {} });
    const listed = Object.entries(events).map(([name, keys]) => ({ name, settings: eventSchema.parse(keys) }));
    return bench.connector({ ...plan, devices: plan.devices.map((device) => ({ ...device, events: listed })) });
  }

  /** Listens, and waits until the server watches: from then on nothing is missed. */
  async function listen(made: Connector): Promise<Told> {
    const told = new Told(await bench.open(made));
    for (let at = 0; !told.events.some(saying(`watched ${at - 1}`)); at += 1) {
      machine.raise(`watched ${at}`, 1000, 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return told;
  }

  it('tells what happens, with the fields that are wanted, found in the namespace of their type', async () => {
    const told = await listen(connector({ done: { type: nodeOf('PartDone'), fields: ['PartNumber'] } }));
    const before = Date.now();
    machine.raise('part done', 100, 4711);
    const event = await told.until(saying('part done'));
    assert.deepEqual([event.device, event.name, event.severity], ['press', 'done', 100]);
    assert.ok(event.sourceTimeMs >= before - 1_000);
    const { EventId, ...body } = event.body;
    assert.match(String(EventId), /^[A-Za-z0-9+/]+=*$/);
    assert.deepEqual(body, {
      EventType: nodeOf('PartDone'),
      SourceName: 'Machine',
      Message: 'part done',
      PartNumber: 4711,
    });
  });

  it('keeps to the source, the type and the severity of each entry', async () => {
    const told = await listen(
      connector({
        all: {},
        severe: { source: nodeOf('Machine'), severityAtLeast: 500 },
        alarms: { type: 'i=2915' },
      }),
    );
    machine.raise('mild', 499, 1);
    machine.raise('severe', 500, 2);
    run(false);
    const alarm = await told.until(({ name }) => name === 'alarms');
    await told.until(({ name, body }) => name === 'severe' && body.Message === 'severe');
    await told.until(({ name, body }) => name === 'all' && body.Message === 'severe');
    assert.deepEqual(
      [alarm.body.ConditionName, alarm.body.ActiveState, alarm.body.ConditionId],
      ['StoppedAlarm', true, nodeOf('StoppedAlarm')],
    );
    assert.ok(told.of('all').includes('mild'));
    assert.ok(!told.of('severe').includes('mild'));
    assert.ok(told.events.filter(({ name }) => name === 'alarms').every(({ body }) => 'ConditionName' in body));
  });

  it('tells of alarms that were there before, and of each only once', async () => {
    run(false);
    const made = connector({ alarms: { type: 'i=2915' } });
    const first = await bench.open(made);
    const before = new Told(first);
    const alarm = await before.until(({ body }) => body.ActiveState === true);
    await first.close();
    const again = new Told(await bench.open(made));
    await waitFor(() => (made.status().counters.repeated_events ?? 0) > 0);
    assert.deepEqual(
      again.events.filter(({ body }) => body.EventId === alarm.body.EventId),
      [],
    );
  });

  it('tells once, after the network is back, what happened meanwhile', async () => {
    const cable = new TcpCable(server.port);
    await cable.plug();
    bench.onEnd(() => cable.pull());
    const told = await listen(connector({ all: {} }, `opc.tcp://127.0.0.1:${cable.port}`));
    await cable.pull();
    machine.raise('while away', 100, 1);
    machine.raise('while away, too', 100, 2);
    await cable.plug();
    await told.until(saying('while away, too'));
    machine.raise('after', 100, 3);
    await told.until(saying('after'));
    assert.deepEqual(told.of('all').slice(-3), ['while away', 'while away, too', 'after']);
  });

  it('acknowledges an alarm that it told of, once', async () => {
    const made = connector({ all: {} });
    const told = await listen(made);
    run(false);
    const { body } = await told.until((event) => event.body.ActiveState === true);
    assert.equal(body.AckedState, false);
    const acknowledge = async () => {
      const method = { name: 'acknowledge', settings: methodSchema.parse({ condition: 'acknowledge' }), arguments: [] };
      const session = await bench.open(made);
      return session.call?.(
        { device: 'press', method, arguments: [String(body.ConditionId), String(body.EventId), 'seen'] },
        NO_STOP,
      );
    };
    assert.deepEqual(await acknowledge(), { called: true, outputs: {} });
    const acknowledged = await told.until((event) => event.body.AckedState === true);
    assert.equal(acknowledged.body.Comment, 'seen');
    const again = await acknowledge();
    assert.match(again?.called === false ? again.error.message : '', /BadConditionBranchAlreadyAcked|BadEventIdUnknown/);
  });

  it('says what it cannot watch', async () => {
    const made = connector({ lost: { source: 'nsu=urn:nobody;s=Machine' }, missing: { source: nodeOf('Nothing') }, all: {} });
    await listen(made);
    const problems = made.status().details?.problems as { readonly points: Readonly<Record<string, unknown>> } | undefined;
    const status = 'BadNodeIdUnknown';
    assert.deepEqual(problems?.points, { 'press/lost': { status }, 'press/missing': { status } });
  });
});

async function waitFor(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 20));
}
