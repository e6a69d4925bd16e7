import assert from 'node:assert/strict';
import { DataType, type OPCUAServer, type UAObject } from 'node-opcua';
import { type RunningGateway, startGateway } from '../../../src/gateway/gateway.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { planOf } from '../../support/gateway-plan.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { runCli } from '../../support/run-cli.ts';
import { SinkBroker } from '../../support/sink-broker.ts';
import { TcpCable } from '../../support/tcp-cable.ts';

const LINE = 'urn:test:line';

const mapping = (url: string, browseEvery: string) => `twin: line-1
hub: cloud
message: { maxAge: 100 ms }
connection:
  protocol: opcua
  url: ${url}
  security: { policy: none }
  publishingInterval: 50 ms
  keepAlive: 1 s
  browseEvery: ${browseEvery}
defaults: { interval: 50 ms }
points:
  speed: { address: nsu=urn:test:plant;s=Speed }
  twice: { expression: speed * 2 }
  temperatures: { address: { browse: Objects/Line/*/Temperature, name: "{1}Temperature" }, scale: 10, unit: kelvin }
  counts: { address: { browse: Objects/Line/*/Count }, read: poll }
  setpoints:
    address: { browse: Objects/Line/*/Setpoint, name: "{1}Setpoint" }
    write: { min: 0, max: 10, onlyIf: speed > 1 }
`;

/** The machines of a line, each an object with its variables. */
class Line {
  readonly #server: OPCUAServer;
  readonly #line: UAObject;
  readonly #machines = new Map<string, UAObject>();

  constructor({ server }: TestServer) {
    this.#server = server;
    const namespace = this.#space.registerNamespace(LINE);
    this.#line = namespace.addObject({ organizedBy: this.#space.rootFolder.objects, nodeId: 's=Line', browseName: 'Line' });
  }

  get #space() {
    const { addressSpace } = this.#server.engine;
    assert.ok(addressSpace);
    return addressSpace;
  }

  add(name: string, temperature: number, id = name): void {
    const namespace = this.#space.getNamespace(LINE);
    const machine = namespace.addObject({ componentOf: this.#line, nodeId: `s=${id}`, browseName: name });
    const add = (browseName: string, dataType: DataType, value: number) => {
      const access = { accessLevel: 'CurrentRead | CurrentWrite', userAccessLevel: 'CurrentRead | CurrentWrite' };
      const variable = namespace.addVariable({
        componentOf: machine,
        nodeId: `s=${id}.${browseName}`,
        browseName,
        dataType,
        minimumSamplingInterval: 10,
        ...access,
      });
      variable.setValueFromSource({ dataType, value });
    };
    add('Temperature', DataType.Double, temperature);
    add('Count', DataType.Int32, 1);
    add('Setpoint', DataType.Double, 5);
    this.#machines.set(id, machine);
  }

  rename(id: string, name: string): void {
    const machine = this.#machines.get(id);
    assert.ok(machine);
    machine.browseName.name = name;
  }

  remove(id: string): void {
    const machine = this.#machines.get(id);
    assert.ok(machine);
    this.#space.deleteNode(machine);
  }

  set(id: string, temperature: number): void {
    const node = this.#space.findNode(`ns=${this.#space.getNamespaceIndex(LINE)};s=${id}.Temperature`);
    assert.ok(node !== null && 'setValueFromSource' in node);
    (node.setValueFromSource as (value: object) => void)({ dataType: DataType.Double, value: temperature });
  }

  /** Says that nodes have changed, as servers do that know it. */
  tell(): void {
    this.#space.rootFolder.objects.server.raiseEvent('GeneralModelChangeEventType', {});
  }
}

/** A data set message. */
interface Frame {
  readonly Payload: object;
  readonly MetaDataVersion: { readonly MajorVersion: number };
}

type Told = readonly [value: unknown, quality: string];

describe('points by browsing', () => {
  let server: TestServer;
  let line: Line;
  let cable: TcpCable;
  let broker: SinkBroker;
  let configuration: TemporaryConfiguration;
  let gateway: RunningGateway;
  let recorded: RecordedLog;

  async function begin(browseEvery: string, fill: () => void, shape = 'twin'): Promise<void> {
    server = await startOpcuaServer();
    line = new Line(server);
    fill();
    cable = new TcpCable(server.port);
    await cable.plug();
    broker = await SinkBroker.start();
    configuration = new TemporaryConfiguration({
      'gateway.yaml': `gateway: { id: plant-a }\nhubs: { cloud: { dialect: mqtt, url: "${broker.url}", shape: ${shape} } }\nspool: { directory: ./spool }\noperations: { port: 0 }\n`,
      'mappings/press.yaml': mapping(`opc.tcp://127.0.0.1:${cable.port}`, browseEvery),
    });
    recorded = new RecordedLog();
    gateway = await startGateway(await planOf(configuration), {
      log: recorded.log,
      version: '0',
      stateDirectory: configuration.path('state'),
    });
  }
  afterEach(async () => {
    await gateway.stop(1_000);
    await broker.stop();
    await cable.pull();
    await server.stop();
    configuration[Symbol.dispose]();
  });

  /** What the cloud was told of a point, in its order. */
  function told(name: string): readonly Told[] {
    return broker.messages.flatMap((message) => readingsOf(message, name));
  }

  const until = (name: string, wanted: Told) =>
    broker.until(() => told(name).some((one) => JSON.stringify(one) === JSON.stringify(wanted)));
  const names = () => gateway.status().connections[0]?.devices[0]?.points.map(({ name }) => name) ?? [];
  const write = (name: string, value: number, id = `${name}-${value}`) =>
    gateway.execute(
      { id, device: 'line-1', desired: { [name]: value }, expiresTimeMs: Date.now() + 60_000 },
      AbortSignal.timeout(10_000),
    );

  /** Every message counts on, whatever made it. */
  function assertGapless(): void {
    const sequences = broker.messages.flatMap(({ values, gap, seq }) => (values === undefined && gap === undefined ? [] : [seq]));
    assert.ok(sequences.length > 0);
    assert.deepEqual(
      sequences,
      sequences.map((_, at) => at + Number(sequences[0])),
    );
  }

  it('brings in what lies there, takes commands for it, and follows what the server tells of changes', async () => {
    await begin('1 h', () => {
      line.add('Motor 1', 20);
      line.add('Motor 2', 30);
    });
    await until('Motor1Temperature', [200, 'good']);
    await until('Motor2Temperature', [300, 'good']);
    await until('motor1Count', [1, 'good']);
    await until('twice', [3, 'good']);
    assert.equal((await write('Motor1Setpoint', 7)).status, 'done');
    assert.equal((await write('Motor1Setpoint', 11)).points.Motor1Setpoint?.error?.code, 'COMMAND_OUT_OF_RANGE');
    assert.equal((await write('Motor3Setpoint', 7)).points.Motor3Setpoint?.error?.code, 'COMMAND_UNKNOWN');

    line.add('Motor 3', 40);
    line.tell();
    await until('Motor3Temperature', [400, 'good']);
    // A node that goes is noticed without being told.
    line.remove('Motor 2');
    await until('Motor2Temperature', [null, 'bad']);
    await broker.until(() => !names().includes('Motor2Temperature'));
    assert.equal((await write('Motor3Setpoint', 7, 'again')).status, 'done');
    assert.equal((await write('Motor2Setpoint', 7)).points.Motor2Setpoint?.error?.code, 'COMMAND_UNKNOWN');

    line.set('Motor 1', 21);
    await until('Motor1Temperature', [210, 'good']);
    server.set('Speed', { dataType: DataType.Double, value: 4 });
    await until('twice', [8, 'good']);
    const goods = (name: string) =>
      told(name)
        .filter(([, quality]) => quality === 'good')
        .map(([value]) => value);
    assert.deepEqual(
      [goods('Motor1Temperature'), goods('speed'), goods('twice')],
      [
        [200, 210],
        [1.5, 4],
        [3, 8],
      ],
    );
    assert.ok(told('Motor2Temperature').filter(([, quality]) => quality === 'bad').length <= 2);
    assertGapless();
  }).timeout(60_000);

  it('tells what the points are in the metadata of the twin, and anew where others come and go', async () => {
    const metadata = () =>
      broker.publishes
        .filter(({ topic }) => topic === 'plant-a/line-1/metadata')
        .map(({ payload, retain }) => {
          const { MetaData } = JSON.parse(Buffer.from(payload).toString());
          const fields = MetaData.Fields as { Name: string; Properties: { Key: string }[] }[];
          return { retain, version: Number(MetaData.ConfigurationVersion.MajorVersion), fields };
        });
    const last = () => metadata().at(-1) ?? assert.fail('nothing was told');
    const hasNow = (name: string) =>
      metadata()
        .at(-1)
        ?.fields.some(({ Name }) => Name === name) === true;
    await begin('1 s', () => line.add('Motor 1', 20), 'opcua-pubsub-json');
    await broker.until(() => hasNow('Motor1Temperature'));
    const first = last();
    assert.equal(first.retain, true);
    assert.deepEqual(first.fields.map(({ Name }) => Name).toSorted(), [
      'Motor1Setpoint',
      'Motor1Temperature',
      'motor1Count',
      'speed',
      'twice',
    ]);
    const units = first.fields.filter(({ Properties }) => Properties.some(({ Key }) => Key === 'EngineeringUnits'));
    assert.deepEqual(
      units.map(({ Name }) => Name),
      ['Motor1Temperature'],
    );
    line.add('Motor 2', 30);
    await broker.until(() => hasNow('Motor2Temperature'));
    assert.ok(last().version > first.version);
    const sent = () =>
      broker.publishes.flatMap(({ topic, payload }) =>
        topic.endsWith('/telemetry') ? (JSON.parse(Buffer.from(payload).toString()).Messages as Frame[]) : [],
      );
    await broker.until(() => sent().some(({ Payload }) => 'Motor2Temperature' in Payload));
    const frame = sent().findLast(({ Payload }) => 'Motor2Temperature' in Payload);
    assert.equal(frame?.MetaDataVersion.MajorVersion, last().version);
    line.remove('Motor 1');
    await broker.until(() => hasNow('Motor2Temperature') && !hasNow('Motor1Temperature'));
  }).timeout(60_000);

  it('looks now and then where the server tells nothing, and finds its points again when it was restarted', async () => {
    await begin('1 s', () => line.add('Motor 1', 20));
    await until('Motor1Temperature', [200, 'good']);
    line.add('Motor 2', 30);
    await until('Motor2Temperature', [300, 'good']);
    const { port } = server;
    await server.stop();
    await until('Motor2Temperature', [null, 'bad']);
    server = await startOpcuaServer({ port });
    line = new Line(server);
    line.add('Motor 4', 50);
    line.add('Motor 1', 22, 'another-node');
    await until('Motor4Temperature', [500, 'good']);
    await until('Motor1Temperature', [220, 'good']);
    assert.deepEqual(
      names()
        .filter((name) => name.endsWith('Temperature'))
        .sort(),
      ['Motor1Temperature', 'Motor4Temperature'],
    );
    assertGapless();
  }).timeout(60_000);

  it('takes the value of the node that has the name after a break, not of the one that had it', async () => {
    await begin('1 h', () => {
      line.add('Motor 1', 20);
      line.add('Motor 2', 30);
    });
    await until('Motor1Temperature', [200, 'good']);
    await until('Motor2Temperature', [300, 'good']);
    await cable.pull();
    line.rename('Motor 1', 'Motor 9');
    line.add('Motor 1', 22, 'another-node');
    await until('Motor2Temperature', [null, 'bad']);
    await cable.plug();
    await until('Motor1Temperature', [220, 'good']);
    await until('Motor9Temperature', [200, 'good']);
    line.set('Motor 1', 21);
    await until('Motor9Temperature', [210, 'good']);
    assert.ok(!told('Motor1Temperature').some(([value]) => value === 210));
    assertGapless();
  }).timeout(60_000);

  it('is read and written at the command line like any other point', async () => {
    await begin('1 h', () => line.add('Motor 1', 20));
    const file = configuration.path('mappings/press.yaml');
    const env = { STATE_DIRECTORY: configuration.path('cli-state') };
    const read = await runCli(['read', file, 'Motor1Temperature', '--json'], env);
    assert.deepEqual(
      JSON.parse(read.stdout).map(({ point, value }: { point: string; value: unknown }) => [point, value]),
      [['line-1/Motor1Temperature', 200]],
    );
    const written = await runCli(['write', file, 'line-1/Motor1Setpoint', '7'], env);
    assert.match(written.stdout, /line-1\/Motor1Setpoint: .*read back 7/);
    const unknown = await runCli(['read', file, 'Motor7Temperature'], env);
    assert.match(`${unknown.code} ${unknown.stderr}`, /^64 .*no such point/s);
  }).timeout(60_000);

  it('gives no value where two nodes have one name, and says so', async () => {
    await begin('1 s', () => {
      line.add('Motor 1', 20);
      line.add('Motor  1', 30, 'twin');
    });
    await until('Motor1Temperature', [null, 'bad']);
    await until('speed', [1.5, 'good']);
    const point = gateway.status().connections[0]?.devices[0]?.points.find(({ name }) => name === 'Motor1Temperature');
    assert.equal(point?.status, 'BadBrowseNameDuplicated');
    assert.ok(recorded.events('opcua pattern not clear').length > 0);
    line.remove('twin');
    await until('Motor1Temperature', [200, 'good']);
  }).timeout(60_000);
});

function readingsOf({ values }: Record<string, unknown>, name: string): readonly Told[] {
  if (typeof values !== 'object' || values === null) return [];
  const readings: readonly (readonly [at: number, value: unknown, quality?: string])[] =
    (values as Readonly<Record<string, never>>)[name] ?? [];
  return readings.map(([, value, quality = 'good']) => [value, quality]);
}
