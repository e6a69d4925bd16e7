import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { GatewayError } from '../../src/model/error.ts';
import type { GatewayStatus } from '../../src/model/status.ts';
import type { Health } from '../../src/runtime/health.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { type OperationsServer, type RefusedRequest, startOperationsServer } from '../../src/runtime/operations-server.ts';
import { spoolStatus } from '../support/spool-status.ts';

const STATUS: GatewayStatus = {
  gateway: 'plant-a-line-3',
  version: '0.1.0',
  startedTimeMs: 1_000,
  nowMs: 61_000,
  clock: { state: 'known', steps: 0 },
  connections: [
    {
      name: 'hall-3',
      protocol: 'modbus-tcp',
      endpoint: 'modbus-tcp://10.20.0.17:502',
      link: { state: 'up', sinceMs: 2_000 },
      counters: { requests: 12, late_replies: 1 },
      expiries: { server: 2_000_000_000 },
      devices: [{ twin: 'press-07', state: 'up', readings: 34, messages: 5, failures: 0, points: [] }],
    },
    {
      name: 'hall-4',
      protocol: 'modbus-tcp',
      endpoint: 'modbus-tcp://10.20.0.18:502',
      link: { state: 'waiting', retryAtMs: 70_000 },
      counters: { requests: 3, late_replies: 0 },
      devices: [{ twin: 'press-"8"', state: 'down', readings: 0, messages: 0, failures: 0, points: [] }],
    },
  ],
  hubs: [
    {
      name: 'cloud',
      dialect: 'mqtt',
      endpoint: 'mqtts://broker:8883',
      link: { state: 'opening' },
      waitingMessages: 7,
      oldestTimeMs: 31_000,
      inFlight: 2,
      window: 20,
      counters: { acknowledged_messages: 99 },
    },
  ],
  spool: spoolStatus(4_096, 1_000_000, { dropped_messages: 0 }),
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

describe('operations server', () => {
  let server: OperationsServer;
  let refused: RefusedRequest[];
  let health: Health;
  let status: () => GatewayStatus;

  beforeEach(async () => {
    health = { isHealthy: true, reasons: [] };
    status = () => STATUS;
    refused = [];
    server = await startOperationsServer({
      host: '127.0.0.1',
      port: 0,
      status: () => status(),
      health: () => health,
      log: silentLog,
      onRefused: (request) => refused.push(request),
    });
  });
  afterEach(() => server.close());

  function ask(
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method = 'GET', headers = {} } = options;
      const asked = request({ host: '127.0.0.1', port: server.port, path, method, headers, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
      asked.on('error', reject);
      asked.end(options.body);
    });
  }

  it('tells the status as JSON', async () => {
    const { status: code, headers, body } = await ask('/status');
    assert.deepEqual([code, headers['content-type']], [200, 'application/json; charset=utf-8']);
    assert.deepEqual(JSON.parse(body), STATUS);
  });

  it('tells that it is well with 200', async () => {
    const { status: code, body } = await ask('/health');
    assert.deepEqual([code, JSON.parse(body)], [200, { status: 'ok', reasons: [] }]);
  });

  it('tells that it is ill with 503 and the reasons', async () => {
    health = { isHealthy: false, reasons: ['spool stands still'] };
    const { status: code, body } = await ask('/health');
    assert.deepEqual([code, JSON.parse(body)], [503, { status: 'ill', reasons: ['spool stands still'] }]);
  });

  it('tells what it refused, and from where', async () => {
    await ask('/status?secret=1', { headers: { host: 'evil.example' } });
    await ask('/nothing');
    assert.deepEqual(refused, [
      { method: 'GET', path: '/status', status: 421, reason: 'this is not the host asked for', from: '127.0.0.1' },
    ]);
  });

  it('tells what is no illness beside it', async () => {
    health = { isHealthy: true, reasons: [], remarks: ['the audit log is not written'] };
    const { status: code, body } = await ask('/health');
    assert.deepEqual([code, JSON.parse(body)], [200, { status: 'ok', reasons: [], remarks: ['the audit log is not written'] }]);
  });

  it('answers without body to HEAD', async () => {
    const { status: code, body, headers } = await ask('/health', { method: 'HEAD' });
    assert.deepEqual([code, body, headers['content-length']], [200, '', '29']);
  });

  it('ignores what stands behind a question mark', async () => {
    assert.equal((await ask('/health?verbose')).status, 200);
  });

  it('knows no other page', async () => {
    assert.equal((await ask('/')).status, 404);
    assert.equal((await ask('/status/../../etc/passwd')).status, 404);
  });

  const expected: readonly string[] = [
    'gateway_info{gateway="plant-a-line-3",version="0.1.0"} 1',
    'gateway_start_time_seconds 1',
    'gateway_healthy 1',
    'southbound_link_state{connection="hall-3",state="up"} 1',
    'southbound_link_state{connection="hall-3",state="waiting"} 0',
    'southbound_link_state{connection="hall-4",state="waiting"} 1',
    'southbound_requests_total{connection="hall-3"} 12',
    'southbound_requests_total{connection="hall-4"} 3',
    'southbound_late_replies_total{connection="hall-3"} 1',
    'southbound_certificate_expiry_time_seconds{connection="hall-3",certificate="server"} 2000000',
    'southbound_device_up{connection="hall-3",device="press-07"} 1',
    'southbound_device_up{connection="hall-4",device="press-\\"8\\""} 0',
    'pipeline_readings_total{device="press-07"} 34',
    'pipeline_messages_total{device="press-07"} 5',
    'northbound_link_state{hub="cloud",state="opening"} 1',
    'northbound_acknowledged_messages_total{hub="cloud"} 99',
    'northbound_waiting_messages{hub="cloud"} 7',
    'northbound_oldest_message_age_seconds{hub="cloud"} 30',
    'northbound_in_flight_messages{hub="cloud"} 2',
    'spool_dropped_messages_total{class="alarm"} 0',
    'spool_stored_bytes{class="alarm"} 4096',
    'spool_limit_bytes{class="alarm"} 1000000',
    'spool_segments{class="alarm"} 1',
    'spool_degraded 0',
  ];
  it('renders the status as Prometheus metrics', async () => {
    const lines = (await ask('/metrics')).body.split('\n');
    assert.deepEqual(
      expected.filter((line) => !lines.includes(line)),
      [],
    );
  });

  it('adds metrics of the process, each name described once', async () => {
    const { body } = await ask('/metrics');
    assert.match(body, /^process_resident_memory_bytes \d+/m);
    const described = [...body.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name);
    assert.equal(new Set(described).size, described.length);
  });

  it('counts nothing twice over several scrapes', async () => {
    await ask('/metrics');
    assert.match((await ask('/metrics')).body, /^southbound_requests_total\{connection="hall-3"\} 12$/m);
  });

  it('does not tell of a connection that is no more', async () => {
    await ask('/metrics');
    status = () => ({ ...STATUS, connections: [] });
    assert.doesNotMatch((await ask('/metrics')).body, /hall-3/);
  });

  it('answers 500 to a bug and goes on', async () => {
    status = () => assert.fail('broken');
    assert.equal((await ask('/status')).status, 500);
    assert.equal((await ask('/health')).status, 200);
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
    it(`refuses ${method}`, async () => {
      const { status: code, headers } = await ask('/health', { method });
      assert.deepEqual([code, headers.allow, headers.connection], [405, 'GET, HEAD', 'close']);
    });
  }

  it('refuses a body', async () => {
    assert.equal((await ask('/health', { headers: { 'content-length': '3' }, body: 'abc' })).status, 413);
    assert.equal((await ask('/health', { headers: { 'transfer-encoding': 'chunked' }, body: 'abc' })).status, 413);
  });

  const own = ['localhost', 'LOCALHOST:9300', '127.0.0.1', '127.0.0.1:1', '[::1]', '[::1]:9300'];
  for (const host of own) {
    it(`answers to the host ${host}`, async () => {
      assert.equal((await ask('/health', { headers: { host } })).status, 200);
    });
  }

  const foreign = [
    'evil.example',
    'evil.example:9300',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example@localhost',
    'localhost@evil.example',
    '127.0.0.2',
    '0.0.0.0',
    '10.0.0.1',
    '[::2]',
    '[::ffff:127.0.0.1]',
    '2130706433',
    '0x7f000001',
    '127.1',
    'localhost:9300:9300',
    'localhost:',
    'localhost:999999',
    'localhost.',
    ' ',
    ':9300',
    '[localhost]',
    'localhost evil',
    'localhost,evil.example',
    'localhost/evil',
  ];
  for (const host of foreign) {
    it(`refuses the host \`${host}\`, as a rebound name would come`, async () => {
      const code = (await ask('/status', { headers: { host } })).status;
      assert.ok(code === 421 || code === 400, String(code));
    });
  }

  it('refuses pages of other sites', async () => {
    assert.equal((await ask('/status', { headers: { origin: 'https://evil.example' } })).status, 403);
    assert.equal((await ask('/status', { headers: { origin: 'null' } })).status, 403);
    assert.equal((await ask('/status', { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403);
    assert.equal((await ask('/status', { headers: { 'sec-fetch-site': 'none' } })).status, 200);
  });

  it('allows no page to embed, sniff or keep what it says', async () => {
    const { headers } = await ask('/status');
    assert.match(String(headers['content-security-policy']), /default-src 'none'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['access-control-allow-origin'], undefined);
  });

  it('cuts off headers beyond its limit', async () => {
    const answered = await ask('/health', { headers: { 'x-long': 'a'.repeat(20_000) } }).catch(() => undefined);
    assert.ok(answered === undefined || answered.status === 431);
  });

  it('answers 400 to what is not HTTP and goes on', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.end('\x16\x03\x01 hello\r\n\r\n');
    let heard = '';
    for await (const chunk of socket) heard += String(chunk);
    assert.match(heard, /^HTTP\/1\.1 400/);
    assert.equal((await ask('/health')).status, 200);
  });

  it('names the port that another program holds', async () => {
    const taken = startOperationsServer({ host: '127.0.0.1', port: server.port, status, health: () => health, log: silentLog });
    await assert.rejects(taken, (error) => {
      assert.ok(error instanceof GatewayError);
      assert.equal(error.code, 'OPERATIONS_UNAVAILABLE');
      assert.equal(error.subject, `127.0.0.1:${server.port}`);
      return true;
    });
  });

  it('closes although a client keeps its connection, and closes twice', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    await server.close();
    await server.close();
    socket.destroy();
  });
});
