import assert from 'node:assert/strict';
import { addAggregateSupport, coerceNodeId, DataType, installAggregateConfigurationOptions, type UAVariable } from 'node-opcua';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { Bench, Collected, FAST, makePlan, OPEN, type PointKeys, planPoint } from './support.ts';

const NO_STOP = new AbortController().signal;
const EVERY_MS = 1_000;
const PER_WINDOW = 10;
const WINDOWS = 60;
const OPTIONS = { treatUncertainAsBad: false, useSlopedExtrapolation: false, percentDataBad: 100, percentDataGood: 100 };

const of = (node: string, name: string): PointKeys => ({
  address: `nsu=urn:test:plant;s=${node}`,
  serverAggregate: { function: name, every: '1 s' },
});

describe('OPC UA values that the server computes', function () {
  this.timeout(30_000);
  const bench = new Bench();
  let server: TestServer;
  let firstMs: number;

  before(async () => {
    server = await startOpcuaServer();
    const { addressSpace } = server.server.engine;
    assert.ok(addressSpace);
    addAggregateSupport(addressSpace);
    const speed = server.variable('Speed') as UAVariable;
    addressSpace.installHistoricalDataNode(speed, { maxOnlineValues: 10_000 });
    installAggregateConfigurationOptions(speed, OPTIONS);
    // Ten samples in each window, 0 to 9 in the first, 10 to 19 in the next; all are still to come.
    firstMs = Math.ceil(Date.now() / EVERY_MS) * EVERY_MS;
    for (let at = 0; at < PER_WINDOW * WINDOWS; at += 1) {
      const time = new Date(firstMs + (at * EVERY_MS) / PER_WINDOW);
      speed.setValueFromSource({ dataType: DataType.Double, value: at }, undefined, time);
    }
  });
  after(() => server.stop());
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  const windowOf = (timeMs: number) => (timeMs - firstMs) / EVERY_MS;

  function connector(
    points: Readonly<Record<string, PointKeys>>,
    { url = server.url, log = new RecordedLog(), ...settings }: { url?: string; log?: RecordedLog; backfill?: unknown } = {},
  ): Connector {
    return bench.connector(makePlan({ url, ...OPEN, ...FAST, ...settings }, { press: points }), log.log);
  }

  const FUNCTIONS: Readonly<Record<string, (window: number) => number>> = {
    minimum: (window) => PER_WINDOW * window,
    maximum: (window) => PER_WINDOW * window + 9,
    average: (window) => PER_WINDOW * window + 4.5,
    count: () => PER_WINDOW,
  };

  it('come once for each window, with the time of its beginning', async () => {
    const names = Object.keys(FUNCTIONS);
    const all = new Collected(await bench.open(connector(Object.fromEntries(names.map((name) => [name, of('Speed', name)])))));
    // Of the windows before the first one the server makes something or nothing, the latter told as bad at this moment.
    const told = (name: string) => {
      const since = all.of(name).filter(({ sourceTimeMs }) => sourceTimeMs >= firstMs);
      return since.slice(since.findIndex(({ quality }) => quality === 'good') >>> 0);
    };
    await Promise.all(names.map((name) => all.until(name, () => told(name).length >= 2)));
    for (const name of names) {
      const windows = told(name).map(({ sourceTimeMs }) => windowOf(sourceTimeMs));
      assert.deepEqual(
        windows,
        windows.map((_, at) => (windows[0] ?? 0) + at),
      );
      const expected = windows.map((window) => [FUNCTIONS[name]?.(window), 'good']);
      assert.deepEqual([name, told(name).map(({ value, quality }) => [value, quality])], [name, expected]);
    }
  });

  it('come of nodes, too, that a pattern finds later', async () => {
    const { addressSpace } = server.server.engine;
    assert.ok(addressSpace);
    const late = addressSpace
      .getOwnNamespace()
      .addObject({ organizedBy: addressSpace.rootFolder.objects, nodeId: 's=Late', browseName: 'Late' });
    const base = makePlan({ url: server.url, ...OPEN, ...FAST, browseEvery: '200 ms' }, { press: {} });
    const { point } = planPoint('press', 'all', { ...of('', 'count'), address: { browse: 'Objects/Late/*' } });
    const plan = { ...base, devices: base.devices.map((device) => ({ ...device, patterns: [{ point, keys: {} }] })) };
    const all = new Collected(await bench.open(bench.connector(plan)));
    late.addReference({ referenceType: 'Organizes', nodeId: server.variable('Speed').nodeId });
    assert.equal((await all.until('speed', ({ quality }) => quality === 'good')).value, PER_WINDOW);
  });

  it('go on when the clock of the server, which was years ahead, is set', async () => {
    let aheadMs = 0;
    const clock = server.server.engine.addressSpace?.findNode(coerceNodeId(2258)) as UAVariable;
    const readValue = clock.readValue.bind(clock);
    clock.readValue = (...asked) => {
      const read = readValue(...asked).clone();
      read.value.value = new Date(Date.now() + aheadMs);
      return read;
    };
    bench.onEnd(async () => {
      clock.readValue = readValue;
    });
    const all = new Collected(await bench.open(connector({ maximum: of('Speed', 'maximum') })));
    const good = () => all.of('maximum').filter(({ quality }) => quality === 'good').length;
    await all.until('maximum', () => good() > 0);
    aheadMs = 3 * 365 * 86_400_000;
    await all.untilAfter(all.batches.length, 'maximum', ({ quality }) => quality === 'bad');
    aheadMs = 0;
    const before = good();
    await all.until('maximum', () => good() >= before + 2);
  });

  it('of a break come as history when it is over', async () => {
    const cable = new TcpCable(server.port);
    await cable.plug();
    bench.onEnd(() => cable.pull());
    const made = connector({ maximum: of('Speed', 'maximum') }, { url: `opc.tcp://127.0.0.1:${cable.port}` });
    const first = await bench.open(made);
    const before = new Collected(first);
    const { sourceTimeMs } = await before.until('maximum', ({ quality }) => quality === 'good');
    await cable.pull();
    await first.close();
    const from = before.of('maximum').at(-1)?.sourceTimeMs ?? sourceTimeMs;
    await new Promise((resolve) => setTimeout(resolve, 2.5 * EVERY_MS));
    await cable.plug();
    const after = new Collected(await bench.open(made));
    const live = () => after.batches.filter(({ isHistory }) => isHistory !== true);
    await after.until('maximum', () => live().length > 0);
    const history = after.batches.filter(({ isHistory }) => isHistory === true).flatMap(({ readings }) => readings);
    const windows = [...history, ...live().flatMap(({ readings }) => readings)].map((reading) => windowOf(reading.sourceTimeMs));
    assert.ok(history.length >= 1);
    assert.deepEqual(
      windows,
      windows.map((_, at) => windowOf(from) + 1 + at),
    );
  });

  it('of a break that may not be asked for any more are declared, each of them', async () => {
    const made = connector({ maximum: of('Speed', 'maximum') }, { backfill: false });
    const first = await bench.open(made);
    const before = new Collected(first);
    await before.until('maximum', ({ quality }) => quality === 'good');
    await first.close();
    const last = windowOf(before.of('maximum').at(-1)?.sourceTimeMs ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 3.5 * EVERY_MS));
    const gaps: DeviceGap[] = [];
    const again = await bench.open(made);
    again.gaps?.subscribe((gap) => gaps.push(gap));
    const next = windowOf((await new Collected(again).until('maximum')).sourceTimeMs);
    assert.ok(next - last > 2);
    assert.deepEqual(
      gaps.map(({ reason, points, readings, fromTimeMs, toTimeMs }) => {
        return [reason, points.map(({ name }) => name), readings, windowOf(fromTimeMs), windowOf(toTimeMs)];
      }),
      [['device-away', ['maximum'], next - last - 1, last + 1, next]],
    );
  });

  it('since the first attempt for a session are asked for when there is one', async () => {
    const cable = new TcpCable(server.port);
    await cable.plug();
    await cable.pull();
    bench.onEnd(() => cable.pull());
    const made = connector({ maximum: of('Speed', 'maximum') }, { url: `opc.tcp://127.0.0.1:${cable.port}` });
    const attempted = windowOf(Date.now());
    await assert.rejects(made.open(NO_STOP));
    await new Promise((resolve) => setTimeout(resolve, 2.5 * EVERY_MS));
    await cable.plug();
    const all = new Collected(await bench.open(made));
    await all.until('maximum');
    const [oldest] = all.batches.find(({ isHistory }) => isHistory === true)?.readings ?? [];
    assert.equal(windowOf(oldest?.sourceTimeMs ?? 0), Math.floor(attempted));
  });

  it('are bad where the server refuses, and it is said why and what to do', async () => {
    const log = new RecordedLog();
    const made = connector(
      { noFunction: of('Speed', 'standardDeviation'), noHistory: of('Count', 'average'), fine: of('Speed', 'count') },
      { log },
    );
    const all = new Collected(await bench.open(made));
    await all.until('fine');
    const statuses = Object.fromEntries(
      ['noFunction', 'noHistory'].map((name) => [name, all.of(name).map(({ status }) => status)]),
    );
    assert.deepEqual(statuses, { noFunction: ['BadAggregateNotSupported'], noHistory: ['BadHistoryOperationUnsupported'] });
    type Refused = { readonly points: Readonly<Record<string, { readonly hint: string }>> };
    const points = (made.status().details?.aggregatesRefused as Refused | undefined)?.points ?? {};
    assert.deepEqual(Object.keys(points), ['press/noFunction', 'press/noHistory']);
    assert.match(points['press/noFunction']?.hint ?? '', /does not compute this function/);
    assert.match(points['press/noHistory']?.hint ?? '', /switch its history on/);
    assert.equal(log.events('opcua aggregate refused').length, 2);
  });

  it('that the server refuses came bad or are declared, each of them', async () => {
    const session = await bench.open(connector({ noHistory: of('Count', 'average') }));
    const gaps: DeviceGap[] = [];
    session.gaps?.subscribe((gap) => gaps.push(gap));
    const all = new Collected(session);
    await all.until('noHistory', () => all.of('noHistory').length === 3);
    const [first, last] = [gaps[0], gaps.at(-1)];
    assert.ok(first !== undefined && last !== undefined);
    assert.ok(gaps.every(({ reason }) => reason === 'refused'));
    const declared = gaps.reduce((sum, { readings }) => sum + readings, 0);
    assert.equal(declared + 2, windowOf(last.toTimeMs) - windowOf(first.fromTimeMs), 'since the first that was refused');
  });

  it('are what a single read gives, too', async () => {
    const made = connector({ count: of('Speed', 'count'), refused: of('Count', 'count'), raw: { address: 'i=2259' } });
    const session = await bench.open(made);
    const points = ['count', 'refused', 'raw'].map((name) => pointOf(name));
    const [count, refused, raw] = await session.read(points, NO_STOP);
    assert.deepEqual([count?.value, refused?.status, raw?.value], [PER_WINDOW, 'BadHistoryOperationUnsupported', 0]);

    function pointOf(name: string) {
      const plan = makePlan({ url: server.url }, { press: { [name]: {} } });
      const [found] = plan.devices[0]?.points ?? [];
      assert.ok(found);
      return found.point;
    }
  });
});
