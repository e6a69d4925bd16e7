import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { exitOf, LAUNCHER, runCli } from '../support/run-cli.ts';
import { SinkBroker } from '../support/sink-broker.ts';

describe('fieldmarshal status', function () {
  this.timeout(30_000);
  let directory: string;
  let port: number;
  let broker: SinkBroker;
  let press: ModbusTcpServer;
  let gateway: ChildProcess | undefined;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fieldmarshal-status-'));
    broker = await SinkBroker.start();
    press = await startModbusTcpServer({ port: 0, units: new Map([[1, new SimulatedModbusDevice()]]) });
    port = await freePort();
    await writeFile(
      join(directory, 'gateway.yaml'),
      `gateway: { id: gw-01 }\nhubs: { cloud: { dialect: mqtt, url: "${broker.url}", protocol: "3.1.1" } }\nmappings: [press.yaml]\noperations: { port: ${port} }\n`,
    );
    await writeFile(
      join(directory, 'press.yaml'),
      `twin: press-07\nconnection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${press.port}, unit: 1 }\ndefaults: { interval: 100 ms }\npoints:\n  oil: { address: { input: 1 }, type: int16 }\n`,
    );
  });

  after(async () => {
    gateway?.kill();
    if (gateway !== undefined) await exitOf(gateway);
    await press.close();
    await broker.stop();
    await rm(directory, { recursive: true });
  });

  const status = (...more: string[]) => runCli(['status', '--config', directory, ...more]);
  /** Until it says so. */
  const statusWhen = async (isIt: (stdout: string) => boolean) => {
    for (;;) {
      const result = await status();
      if (isIt(result.stdout)) return result;
    }
  };

  it('says that no gateway answers, and what to look at', async () => {
    const { code, stdout, stderr } = await status();
    assert.deepEqual([code, stdout], [69, '']);
    assert.match(stderr, new RegExp(`http://127.0.0.1:${port}: no gateway runs.*GATEWAY_UNAVAILABLE.*systemctl status`, 's'));
  });

  it('says that something else answers there', async () => {
    const other = createHttpServer((_, response) => response.end('hello')).listen(port, '127.0.0.1');
    await once(other, 'listening');
    const { code, stderr } = await status();
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
    assert.equal(code, 69);
    assert.match(stderr, /what answers there is no gateway/);
  });

  it('shows on a page that all is well, and exits 0', async () => {
    gateway = spawn(LAUNCHER, ['run', '--config', directory], { stdio: 'ignore' });
    const { code, stdout } = await statusWhen((text) => /\nall is well\n/.test(text));
    assert.equal(code, 0);
    assert.match(stdout, /^gw-01 {2}Fieldmarshal .*running/);
    assert.match(stdout, /\nhubs\n {2}cloud +up .*\n +0 messages? waiting|\nhubs\n {2}cloud +up .*\n +\d+ messages? waiting/);
    assert.match(stdout, /\n {4}press-07 +up {2}1 point\n/);
    assert.match(stdout, /\nspool\n {2}ok, .* of 4 GiB\n {2}disk: room for /);
    assert.match(stdout, /\nclock\n {2}known to be right/);
  });

  it('gives the document to programs', async () => {
    const [ofConfig, ofUrl] = await Promise.all([
      status('--json'),
      runCli(['status', '--url', `http://127.0.0.1:${port}`, '--json']),
    ]);
    for (const { code, stdout } of [ofConfig, ofUrl]) {
      const { gateway: id, hubs, health, ills } = JSON.parse(stdout);
      assert.deepEqual([code, id, hubs[0].name, health.status, ills], [0, 'gw-01', 'cloud', 'ok', []]);
    }
  });

  it('asks the gateway that runs also when a mapping was made wrong since', async () => {
    const wrong = join(directory, 'wrong.yaml');
    await writeFile(
      wrong,
      `gateway: { id: gw-01 }\nhubs: { cloud: { dialect: mqtt, url: "${broker.url}" } }\nmappings: [none.yaml]\noperations: { port: ${port} }\n`,
    );
    const { code, stdout, stderr } = await runCli(['status', wrong]);
    assert.equal(code, 0);
    assert.match(stdout, /^gw-01 /);
    assert.match(stderr, /^the configuration has 1 error now/);
  });

  it('refuses the answer of another gateway', async () => {
    const other = join(directory, 'other.yaml');
    await writeFile(
      other,
      `gateway: { id: gw-02 }\nhubs: { cloud: { dialect: mqtt, url: "${broker.url}" } }\nmappings: [press.yaml]\noperations: { port: ${port} }\n`,
    );
    const { code, stderr } = await runCli(['status', '--config', other]);
    assert.equal(code, 69);
    assert.match(stderr, /the gateway `gw-01` answers there.*`gw-02`/);
  });

  it('names what is not well, since when and what to do, and exits 1', async () => {
    await broker.stop();
    await press.close();
    const { code, stdout } = await statusWhen((text) => text.includes('! hub cloud: down') && text.includes('! connection'));
    assert.equal(code, 1);
    assert.match(stdout, /NOT WELL: 2 things need a look\n/);
    assert.match(
      stdout,
      /! hub cloud: down for \S+\n(.*\n)* {2}cloud +DOWN for \S+, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, tried again in/,
    );
    assert.match(stdout, /\n +HUB_REFUSED: .*\n +check host and port/);
    assert.match(stdout, /press-07 +DOWN {2}1 point, 1 bad/);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
