import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browseTool } from '../../../connectors/opcua/finding/browse-tool.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import type { BrowsedNode } from '../../../src/southbound/browse-tool.ts';
import { addMachine, MACHINE } from '../../support/opcua-machine.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { runCli } from '../../support/run-cli.ts';
import { Bench, makePlan, OPEN } from './support.ts';

const nodeOf = (name: string) => `nsu=${MACHINE};s=${name}`;

describe('browsing an OPC UA server', () => {
  let server: TestServer;
  let folder: string;
  const bench = new Bench();

  before(async () => {
    // Low limits: large answers come in parts, and one request carries little.
    const operationLimits = { maxNodesPerBrowse: 20, maxNodesPerRead: 100, maxNodesPerTranslateBrowsePathsToNodeIds: 5 };
    server = await startOpcuaServer({ options: { serverCapabilities: { operationLimits, maxBrowseContinuationPoints: 2 } } });
    const { namespace } = await addMachine(server.server);
    const many = namespace.addObject({ organizedBy: 'i=85', nodeId: 's=Many', browseName: 'Many' });
    for (let at = 0; at < 1_100; at += 1)
      namespace.addVariable({ componentOf: many, nodeId: `s=Many${at}`, browseName: `Many${at}`, dataType: 'Double' });
    folder = await mkdtemp(join(tmpdir(), 'opcua-browse-'));
    await bench.begin();
  });
  after(async () => {
    await bench.end();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function browse(node: string | undefined, depth: number): Promise<readonly BrowsedNode[]> {
    const connection = makePlan({ url: server.url, ...OPEN }, { press: {} });
    const options = { connection, gatewayId: 'test-gateway', stateDirectory: bench.stateDirectory, log: silentLog };
    const found: BrowsedNode[] = [];
    const walked = browseTool.walk({
      ...options,
      signal: new AbortController().signal,
      depth,
      ...(node === undefined ? {} : { node }),
    });
    for await (const one of walked) found.push(one);
    return found;
  }

  it('tells type, value, access, unit, range and labels of variables', async () => {
    const found = await browse(nodeOf('Machine'), 2);
    const of = (name: string) => found.find(({ path }) => path.join('/') === name);
    assert.deepEqual(of('Oven/Temperature'), {
      depth: 1,
      path: ['Oven', 'Temperature'],
      name: 'Temperature',
      address: nodeOf('OvenTemperature'),
      kind: 'variable',
      type: 'Double',
      rank: -1,
      access: 'read-write',
      value: 180.5,
      unit: 'degreeCelsius',
      range: { min: -40, max: 400 },
    });
    const shown = (name: string) => {
      const node = of(name);
      return node?.kind === 'variable' ? [node.type, node.rank, node.access, node.value, node.labels] : node?.kind;
    };
    assert.deepEqual(shown('Doubles'), ['Double', 1, 'read-write', [1, 2, 3], undefined]);
    assert.deepEqual(shown('Step'), ['Step', -1, 'read-write', 20, { 10: 'Load', 20: 'Press' }]);
    assert.deepEqual(shown('Door'), ['Boolean', -1, 'read-write', true, { true: 'open', false: 'closed' }]);
    assert.deepEqual(shown('Temperature'), ['Float', -1, 'read', 20.5, undefined]);
    assert.equal(shown('Start'), 'method');
    assert.equal(shown('Oven'), 'object');
  }).timeout(60_000);

  it('reads folders to their end, within the limits of the server, each node once', async () => {
    const found = await browse(nodeOf('Many'), 1);
    assert.equal(found.length, 1_100);
    assert.equal(new Set(found.map(({ address }) => address)).size, 1_100);
    assert.deepEqual(
      (await browse(nodeOf('Machine'), 1)).filter(({ path }) => path.length !== 1),
      [],
    );
  }).timeout(120_000);

  it('says what is wrong with the beginning', async () => {
    await assert.rejects(browse('Machine', 1), { code: 'USAGE' });
    await assert.rejects(browse('nsu=urn:nobody;s=x', 1), { code: 'USAGE' });
  });

  it('writes a mapping that `check` takes and `read` reads, and overwrites none', async () => {
    const file = join(folder, 'machine.yaml');
    const env = { STATE_DIRECTORY: bench.stateDirectory };
    const draft = [
      'browse',
      server.url,
      nodeOf('Machine'),
      '--depth',
      '2',
      '--policy',
      'none',
      '--filter',
      '*e*',
      '--mapping',
      file,
      '--twin',
      'machine-1',
    ];
    await writeFile(file, 'old');
    const refused = await runCli(draft, env);
    assert.equal(refused.code, 64, refused.stderr);
    assert.equal(await readFile(file, 'utf8'), 'old');
    const written = await runCli([...draft, '--force'], env);
    assert.equal(written.code, 0, written.stderr);
    const text = await readFile(file, 'utf8');
    assert.match(
      text,
      /^ {2}ovenTemperature: .*\n {4}address: nsu=urn:test:machine;s=OvenTemperature\n {4}unit: degreeCelsius\n {4}range: \{ min: -40, max: 400 \}\n {4}# write: \{ min: -40, max: 400 \}$/m,
    );
    assert.match(text, /^ {2}mode: .*\n.*\n {4}labels: \{ 0: Stopped, 1: Running, 2: Fault \}$/m);
    assert.doesNotMatch(text, /^ *write:/m);
    const checked = await runCli(['check', file]);
    assert.equal(checked.code, 0, checked.stderr + checked.stdout);
    const read = await runCli(['read', file, '--json'], env);
    assert.equal(read.code, 0, read.stderr + read.stdout);
    const values = JSON.parse(read.stdout) as readonly { readonly point: string; readonly value: unknown }[];
    const readAs = (name: string) => values.find(({ point }) => point === `machine-1/${name}`)?.value;
    assert.deepEqual([readAs('ovenTemperature'), readAs('mode'), readAs('step')], [180.5, 'Running', 'Press']);
  }).timeout(180_000);

  it('prints a tree, or JSON', async () => {
    const env = { STATE_DIRECTORY: bench.stateDirectory };
    const target = ['browse', server.url, nodeOf('Oven'), '--policy', 'none'];
    const tree = await runCli(target, env);
    assert.match(
      tree.stdout,
      /^Temperature {2}Double {2}180\.5 degreeCelsius {2}read-write {2}nsu=urn:test:machine;s=OvenTemperature$/m,
    );
    const json = await runCli([...target, '--json'], env);
    assert.deepEqual(
      (JSON.parse(json.stdout) as readonly BrowsedNode[]).map(({ name }) => name),
      ['Temperature'],
    );
  }).timeout(120_000);
});
