import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventSchema, methodSchema } from '../../connectors/opcua/mapping/features.ts';
import { acceptCertificate, listCertificates, trustFolders } from '../../connectors/opcua/security/trust.ts';
import type { DeviceEvent } from '../../src/model/device-event.ts';
import type { Batch } from '../../src/model/reading.ts';
import type { Value } from '../../src/model/value.ts';
import type { Connector } from '../../src/southbound/connector.ts';
import { Bench, Collected, end, FAST, makePlan, OPEN, type PointKeys, planPoint } from '../connectors/opcua/support.ts';
import { freePort, OTHER, PLANT } from '../support/opcua-server.ts';
import { TcpCable } from '../support/tcp-cable.ts';

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const peers = process.env.FIELDMARSHAL_TEST_PEERS ?? join(cache, 'fieldmarshal-test-peers');
const python = join(peers, 'asyncua', 'bin', 'python');
const isHere = existsSync(python);
const title = isHere ? 'asyncua' : 'asyncua (pending: run scripts/install-test-peers/asyncua.sh)';
const NO_STOP = new AbortController().signal;

(isHere ? describe : describe.skip)(title, () => {
  const bench = new Bench();
  let port: number;
  let peer: ChildProcess;

  beforeEach(async () => {
    await bench.begin();
    port = await freePort();
    peer = await start([PLANT, OTHER]);
  });
  afterEach(async () => {
    await bench.end();
    await end(peer);
  });

  /** Node id of its event type, in the namespace of the plant. */
  let eventType = '';

  async function start(uris: readonly string[]): Promise<ChildProcess> {
    const script = fileURLToPath(import.meta.resolve('./peers/asyncua_server.py'));
    const child = spawn(python, [script, String(port), bench.stateDirectory, ...uris], { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(child.stdout);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    eventType = line.replace('ready ', `nsu=${PLANT};`);
    return child;
  }

  function connector(points: Readonly<Record<string, PointKeys>>, settings: Readonly<Record<string, unknown>> = OPEN): Connector {
    return bench.connector(makePlan({ url: `opc.tcp://127.0.0.1:${port}/`, ...FAST, ...settings }, { press: points }));
  }

  const EXPECTED: Readonly<Record<string, Value>> = {
    Speed: 1.5,
    Count: 7,
    MinInt64: -(2n ** 63n),
    MaxUInt64: 2n ** 64n - 1n,
    Running: true,
    Name: 'Prëss',
    Blob: 'AAH/',
    NotANumber: Number.NaN,
  };

  for (const read of ['subscribe', 'poll']) {
    it(`sends values and changes by ${read}`, async () => {
      const points = Object.fromEntries(Object.keys(EXPECTED).map((name) => [name, { read }]));
      const all = new Collected(await bench.open(connector({ ...points, Missing: { read } })));
      for (const [name, value] of Object.entries(EXPECTED)) assert.deepEqual((await all.until(name)).value, value);
      assert.equal((await all.until('Missing')).status, 'BadNodeIdUnknown');
      peer.stdin?.write('set Speed 2.5\n');
      await all.until('Speed', ({ value }) => value === 2.5);
    });
  }

  it('takes values, and says which it does not take', async () => {
    const names = ['Count', 'MinInt64', 'Locked'];
    const session = await bench.open(
      connector(Object.fromEntries(names.map((name) => [name, { access: 'read-write' as const }]))),
    );
    const write = async (name: string, value: Value) =>
      (await session.write([{ point: planPoint('press', name, {}).point, value }], NO_STOP))[0];
    assert.deepEqual(await write('Count', 42), { written: true });
    assert.deepEqual(await write('MinInt64', 9_007_199_254_740_993n), { written: true });
    assert.equal((await write('Locked', 1))?.written, false);
    const [count, big] = await session.read(
      ['Count', 'MinInt64'].map((name) => planPoint('press', name, {}).point),
      NO_STOP,
    );
    assert.deepEqual([count?.value, big?.value], [42, 9_007_199_254_740_993n]);
  });

  const PART = { Serial: 9_007_199_254_740_993n, Name: 'bolt', Load: 1.5, Weights: [0.5, 0.25] };

  it('brings arrays, structures and enumerations, and writes them', async () => {
    const points = {
      list: { address: `nsu=${PLANT};s=List`, access: 'read-write' },
      second: { address: `nsu=${PLANT};s=List`, path: '[1]', access: 'read-write' },
      part: { address: `nsu=${PLANT};s=Part`, access: 'read-write' },
      load: { address: `nsu=${PLANT};s=Part`, path: 'Load', readModifyWrite: true, access: 'read-write' },
      mode: { address: `nsu=${PLANT};s=Mode`, enumeration: 'text', access: 'read-write' },
    } as const;
    const session = await bench.open(connector(points));
    const all = new Collected(session);
    const pointOf = (name: keyof typeof points) => planPoint('press', name, points[name]).point;
    assert.deepEqual((await all.until('list')).value, [1, 2, 3]);
    assert.deepEqual((await all.until('part')).value, PART);
    assert.equal((await all.until('load')).value, 1.5);
    assert.equal((await all.until('mode')).value, 'Running');
    const writes = [
      { point: pointOf('list'), value: [4, 5] },
      { point: pointOf('part'), value: { ...PART, Name: 'nut', Serial: 2n ** 60n + 1n } },
      { point: pointOf('load'), value: 8 },
      { point: pointOf('mode'), value: 'Fault' },
    ];
    assert.deepEqual(
      await session.write(writes, NO_STOP),
      writes.map(() => ({ written: true })),
    );
    // This server does not know index ranges: one element would take the place of the whole array.
    const [second] = await session.write([{ point: pointOf('second'), value: 9 }], NO_STOP);
    assert.match(second?.written === false ? second.error.message : 'written', /does not know index ranges/);
    const read = await session.read([pointOf('list'), pointOf('part'), pointOf('mode')], NO_STOP);
    const changed = { ...PART, Name: 'nut', Serial: 2n ** 60n + 1n, Load: 8 };
    assert.deepEqual(
      read.map(({ value }) => value),
      [[4, 5], changed, 'Fault'],
    );
  });

  it('calls methods, and tells events with fields of their own type', async () => {
    const plan = makePlan({ url: `opc.tcp://127.0.0.1:${port}/`, ...FAST, ...OPEN }, { press: {} });
    const done = {
      name: 'done',
      settings: eventSchema.parse({ source: `nsu=${PLANT};s=Folder`, type: eventType, fields: ['PartNumber'] }),
    };
    const made = bench.connector({ ...plan, devices: plan.devices.map((device) => ({ ...device, events: [done] })) });
    const session = await bench.open(made);
    const told: DeviceEvent[] = [];
    session.events?.subscribe((event) => told.push(event));
    const settings = methodSchema.parse({ object: `nsu=${PLANT};s=Folder`, method: `nsu=${PLANT};s=Start` });
    const call = { device: 'press', method: { name: 'start', settings, arguments: [] } };
    const result = await session.call?.({ ...call, arguments: [7, 'A'] }, NO_STOP);
    assert.deepEqual(result?.called === true && Object.values(result.outputs), [9_007_199_254_740_993n, 'A-7']);
    // The type of its argument has the number of a built-in one.
    const fit = methodSchema.parse({ object: `nsu=${PLANT};s=Folder`, method: `nsu=${PLANT};s=Fit` });
    const fitted = await session.call?.(
      { device: 'press', method: { name: 'fit', settings: fit, arguments: [] }, arguments: [PART] },
      NO_STOP,
    );
    assert.deepEqual(fitted?.called === true && Object.values(fitted.outputs), [PART.Name, PART.Serial]);
    while (told.length === 0) {
      peer.stdin?.write('raise 4711\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual([told[0]?.name, told[0]?.body.PartNumber, told[0]?.body.Message], ['done', 4711, 'part 4711 done']);
  });

  for (const mode of ['sign', 'sign-and-encrypt']) {
    it(`speaks Basic256Sha256 with ${mode} once it is trusted`, async () => {
      const made = connector({ Speed: {} }, { security: { policy: 'basic256sha256', mode } });
      await assert.rejects(made.open(NO_STOP), { code: 'LINK_UNTRUSTED' });
      const folders = trustFolders(bench.stateDirectory);
      const [rejected] = await listCertificates(folders.rejected);
      await acceptCertificate(folders, rejected?.sha1 ?? '');
      await new Collected(await bench.open(made)).until('Speed');
    });
  }

  describe('behind a cable that breaks', () => {
    let cable: TcpCable;
    let made: Connector;
    let batches: Batch[];

    async function begin(): Promise<void> {
      cable = new TcpCable(port);
      await cable.plug();
      bench.onEnd(() => cable.pull());
      const settings = { url: `opc.tcp://127.0.0.1:${cable.port}/`, ...FAST, ...OPEN, keepAlive: '300 ms' };
      const plan = makePlan(settings, { press: { Speed: { sampling: '10 ms', queueSize: 100 } } });
      batches = [];
      ({ connector: made } = bench.acquire(plan, { onBatch: (batch) => batches.push(batch) }));
      await until(() => good().length > 0);
    }

    const good = (isHistory?: true): readonly number[] =>
      batches
        .filter((batch) => batch.isHistory === isHistory)
        .flatMap(({ readings }) => readings.filter(({ quality }) => quality === 'good').map(({ value }) => Number(value)));

    async function until(isTrue: () => boolean): Promise<void> {
      while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
    }

    async function count(from: number, to: number): Promise<void> {
      for (let value = from; value <= to; value += 1) {
        peer.stdin?.write(`set Speed ${value}\n`);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    }

    // This server forgets its subscriptions with the connection.
    it('begins anew, and reads from history what was missed, each change once', async () => {
      peer.stdin?.write('historize Speed\n');
      await begin();
      await count(10, 12);
      await until(() => good().includes(12));
      await cable.pull();
      await count(13, 60);
      await until(() => made.status().devices.press?.state === 'down');
      await cable.plug();
      await until(() => good().includes(60));
      await until(() => good(true).includes(59));
      assert.deepEqual(
        good(true),
        Array.from({ length: 47 }, (_, at) => 13 + at),
      );
      assert.deepEqual([made.status().counters.transfers, made.status().counters.backfill_failures], [0, 0]);
    });
  });

  it('comes back after a restart with other namespace indices, and no value goes to a wrong point', async () => {
    const made = connector({ Where: {} });
    const session = await bench.open(made);
    const before = new Collected(session);
    await before.until('Where');
    await end(peer);
    const { code } = await session.lost;
    assert.ok(code.startsWith('LINK_'), code);
    await session.close();
    peer = await start([OTHER, PLANT]);
    const after = new Collected(await bench.open(made));
    assert.equal((await after.until('Where')).value, PLANT);
    assert.ok(after.of('Where').every(({ value }) => value === PLANT));
  });
});
