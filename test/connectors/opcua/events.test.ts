import assert from 'node:assert/strict';
import { CreateMonitoredItemsRequest, DataChangeFilter, DataType, EventFilter } from 'node-opcua';
import { methodSchema } from '../../../connectors/opcua/mapping/features.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { addMachine, MACHINE, type Machine } from '../../support/opcua-machine.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { Bench } from './support.ts';
import { eventPlan, saying, Told } from './told.ts';

const NO_STOP = new AbortController().signal;
const nodeOf = (name: string) => `nsu=${MACHINE};s=${name}`;

describe('OPC UA events', () => {
  let server: TestServer;
  let machine: Machine;
  const bench = new Bench();

  before(async () => {
    server = await startOpcuaServer({ options: { allowAnonymousSubscriptionTransferOnUnsecuredChannel: true } });
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

  function connector(events: Readonly<Record<string, object>>, keys: Readonly<Record<string, unknown>> = {}): Connector {
    return bench.connector(eventPlan(server.url, events, keys));
  }

  async function listen(made: Connector): Promise<Told> {
    return new Told(await bench.open(made)).watched(machine);
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
    const told = await listen(connector({ all: {} }, { url: `opc.tcp://127.0.0.1:${cable.port}` }));
    await cable.pull();
    machine.raise('while away', 100, 1);
    machine.raise('while away, too', 100, 2);
    await cable.plug();
    await told.until(saying('while away, too'));
    machine.raise('after', 100, 3);
    await told.until(saying('after'));
    assert.deepEqual(told.of('all').slice(-3), ['while away', 'while away, too', 'after']);
  });

  it('takes over in a new session what the server watches, with what happened while nobody was there', async () => {
    const cable = new TcpCable(server.port);
    await cable.plug();
    bench.onEnd(() => cable.pull());
    const made = connector({ all: {} }, { url: `opc.tcp://127.0.0.1:${cable.port}`, keepAlive: '400 ms' });
    const session = await bench.open(made);
    await new Told(session).watched(machine);
    await cable.pull();
    await session.lost;
    machine.raise('between two sessions', 100, 1);
    await cable.plug();
    const after = new Told(await bench.open(made));
    await after.until(saying('between two sessions'));
    machine.raise('in the second', 100, 2);
    await after.until(saying('in the second'));
    const raised = after.of('all').filter((message) => /^(?:between|in the)/.test(String(message)));
    assert.deepEqual(raised, ['between two sessions', 'in the second']);
    assert.equal(made.status().counters.transfers, 1);
  });

  it('compares the severity itself where the server cannot', async () => {
    const stop = meddle(server.server, refuseConditions);
    const told = await listen(connector({ severe: { severityAtLeast: 500 } })).finally(stop);
    machine.raise('mild', 499, 1);
    machine.raise('severe', 500, 2);
    await told.until(saying('severe'));
    assert.ok(!told.of('severe').includes('mild'));
  });

  it('acknowledges an alarm that it told of, once, comments on it and confirms it', async () => {
    const made = connector({ all: {} });
    const session = await bench.open(made);
    const told = await new Told(session).watched(machine);
    run(false);
    const { body } = await told.until((event) => event.body.ActiveState === true);
    assert.equal(body.AckedState, false);
    const call = (condition: string, eventId: unknown, comment: string) => {
      const method = { name: condition, settings: methodSchema.parse({ condition }), arguments: [] };
      return session.call?.(
        { device: 'press', method, arguments: [String(body.ConditionId), String(eventId), comment] },
        NO_STOP,
      );
    };
    assert.deepEqual(await call('acknowledge', body.EventId, 'seen'), { called: true, outputs: {} });
    const acknowledged = await told.until((event) => event.body.AckedState === true);
    assert.deepEqual([acknowledged.body.Comment, acknowledged.body.ConfirmedState], ['seen', false]);
    const again = await call('acknowledge', body.EventId, 'seen');
    assert.match(again?.called === false ? again.error.message : '', /BadConditionBranchAlreadyAcked|BadEventIdUnknown/);
    assert.deepEqual(await call('confirm', acknowledged.body.EventId, 'oil is in'), { called: true, outputs: {} });
    const confirmed = await told.until((event) => event.body.ConfirmedState === true);
    assert.equal(confirmed.body.Comment, 'oil is in');
    assert.deepEqual(await call('comment', confirmed.body.EventId, 'ask for more oil'), { called: true, outputs: {} });
    await told.until((event) => event.body.Comment === 'ask for more oil');
  });

  it('says so, and goes on, where the server answers every wish for events with a fault', async () => {
    const stop = meddle(server.server, breakAtEvents);
    const made = connector({ all: {} });
    const session = await bench.open(made);
    session.events?.subscribe();
    const problems = () => made.status().details?.problems as { readonly points: Readonly<Record<string, unknown>> } | undefined;
    await waitFor(() => problems() !== undefined || made.status().details?.monitoredItems === undefined);
    stop();
    assert.deepEqual(problems()?.points, { 'press/all': { status: 'BadInternalError' } });
    assert.equal(made.status().devices.press?.state, 'up');
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

interface Wish {
  filter: unknown;
}

/** Until it is called off: `change` sees what is wished of each monitored item before the server does. */
function meddle(server: object, change: (wish: Wish) => void): () => void {
  const handler = server as { _on_CreateMonitoredItemsRequest: (message: { request: unknown }, ...more: unknown[]) => unknown };
  const original = handler._on_CreateMonitoredItemsRequest;
  handler._on_CreateMonitoredItemsRequest = function handle(message, ...more) {
    const items = message.request instanceof CreateMonitoredItemsRequest ? (message.request.itemsToCreate ?? []) : [];
    for (const { requestedParameters } of items) change(requestedParameters);
    return original.call(this, message, ...more);
  };
  return () => {
    handler._on_CreateMonitoredItemsRequest = original;
  };
}

/** The server gets a filter that it refuses in place of one that compares. */
function refuseConditions(wish: Wish): void {
  const hasCondition = wish.filter instanceof EventFilter && (wish.filter.whereClause.elements ?? []).length > 0;
  if (hasCondition) wish.filter = new DataChangeFilter({});
}

/** Which it answers with a fault. */
function breakAtEvents({ filter }: Wish): void {
  if (filter instanceof EventFilter) throw new Error('no events here');
}
