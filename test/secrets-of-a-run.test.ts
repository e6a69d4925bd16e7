import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AwsAccount, AwsEmulator } from './support/aws/aws-emulator.ts';
import { readCertificate } from './support/certificates.ts';
import { TemporaryConfiguration } from './support/configuration.ts';
import { LAUNCHER, runCli } from './support/run-cli.ts';
import { freePort, until } from './support/scenario/wait.ts';
import { SinkBroker } from './support/sink-broker.ts';

const SECRETS = {
  'accepted-password': 'canary-of-the-accepted-password',
  'refused-password': 'canary-of-the-refused-password',
  'proxy-password': 'canary-of-the-proxy-password',
  'opcua-password': 'canary-of-the-opcua-password',
  // As long and as strange as a key or a token of a cloud.
  'sas-token': 'SharedAccessSignature sr=hub&sig=Y2FuYXJ5LW9mLXRoZS1zYXMtdG9rZW4%3D&se=1767225600&skn=canary',
  'spool-key': Buffer.from('canary-of-the-spool-key-32-bytes').toString('base64'),
} as const;

/** Where a secret may be met that the gateway itself has to keep. */
const KEPT = /aws-iot-core\/[^/]+\/identity\/private-key\.pem$/;

/** In every dress that a text may wear. */
function dresses(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString('base64'),
    bytes.toString('hex'),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ];
}

function linesOfKey(pem: string): readonly string[] {
  return pem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'));
}

describe('secrets of a whole run', () => {
  let account: AwsAccount;
  let aws: AwsEmulator;
  let accepting: SinkBroker;
  let refusing: SinkBroker;
  let mutual: SinkBroker;
  const portal = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  });

  before(async function () {
    this.timeout(30_000);
    account = await AwsAccount.create();
    aws = await AwsEmulator.start(account);
    accepting = await SinkBroker.start();
    refusing = await SinkBroker.start({ connackCode: 0x86 });
    const tls = { ...(await readCertificate(account.files.endpoint)), ca: await readFile(account.devices.ca), requestCert: true };
    mutual = await SinkBroker.start({ tls });
    portal.listen(0, '127.0.0.1');
    await once(portal, 'listening');
  });

  after(async () => {
    await Promise.all([aws.broker.stop(), accepting.stop(), refusing.stop(), mutual.stop()]);
    portal.close();
    await account.remove();
  });

  const portOf = () => (portal.address() as { readonly port: number }).port;

  const gatewayYaml = (operationsPort: number) => `gateway: { id: gw-01 }
hubs:
  accepted: { dialect: mqtt, url: "${accepting.url}", auth: { username: gw, password: !secret accepted-password } }
  refused: { dialect: mqtt, url: "${refusing.url}", auth: { username: gw, password: !secret refused-password } }
  token: { dialect: mqtt, url: "${refusing.url}", clientId: sas, auth: { username: hub/gw, password: !secret sas-token } }
  mutual: { dialect: mqtt, url: "${mutual.url}", ca: server-ca.crt, auth: { certificate: gw.crt, privateKey: !secret gw.key } }
  distrusted: { dialect: mqtt, url: "${mutual.url}", clientId: other, auth: { username: gw, password: !secret refused-password } }
  proxied:
    dialect: mqtt
    url: mqtts://broker.example
    proxy: { url: "http://127.0.0.1:${portOf()}", username: gw, password: !secret proxy-password }
  aws:
    dialect: aws-iot-core
    host: localhost
    port: ${aws.broker.port}
    ca: server-ca.crt
    provisioning: { template: gateways, parameters: { SerialNumber: "1" }, certificate: claim.crt, privateKey: !secret claim.key }
spool: { directory: ./spool, encryption: { key: !secret spool-key } }
operations: { port: ${operationsPort} }
log: { level: debug }
`;
  const mappingYaml = () => `twin: press-07
hub: [accepted, refused, token, mutual, distrusted, proxied, aws]
connection:
  protocol: opcua
  url: opc.tcp://127.0.0.1:${portOf()}
  user: { name: operator, password: !secret opcua-password }
points:
  oil: { address: "ns=1;s=Oil", type: float32, write: { max: 10 } }
`;

  it('are in nothing that it prints, answers, keeps or sends to another hub', async function () {
    this.timeout(120_000);
    const operationsPort = await freePort();
    const keys = {
      'gw.key': await readFile(account.files.gateway.privateKey, 'utf8'),
      'claim.key': await readFile(account.files.claim.privateKey, 'utf8'),
    };
    const entries = Object.entries({ ...SECRETS, ...keys });
    using configuration = new TemporaryConfiguration({
      'gateway.yaml': gatewayYaml(operationsPort),
      'mappings/press.yaml': mappingYaml(),
      'server-ca.crt': await readFile(account.server.ca),
      'gw.crt': await readFile(account.files.gateway.certificate),
      'claim.crt': await readFile(account.files.claim.certificate),
      ...Object.fromEntries(entries.map(([name, text]) => [`secrets/${name}`, text])),
    });
    const shown: Record<string, string> = {};
    const child = spawn(LAUNCHER, ['run', '--config', configuration.directory], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const [name, stream] of [
      ['standard output', child.stdout],
      ['error output', child.stderr],
    ] as const)
      stream.setEncoding('utf8').on('data', (text: string) => {
        shown[name] = `${shown[name] ?? ''}${text}`;
      });
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${operationsPort}${path}`)).text();
    const links = async () => {
      const { hubs } = JSON.parse(await get('/status')) as { hubs: { name: string; link: { state: string } }[] };
      return Object.fromEntries(hubs.map(({ name, link }) => [name, link.state]));
    };
    const expected = {
      accepted: 'up',
      refused: 'waiting',
      token: 'waiting',
      mutual: 'up',
      distrusted: 'waiting',
      proxied: 'waiting',
      aws: 'up',
    };
    const isAsExpected = async () => {
      const states = await links().catch(() => ({}) as Record<string, string>);
      return Object.entries(expected).every(([name, state]) => states[name] === state);
    };
    await until('every hub is up or refused', isAsExpected, { withinMs: 60_000 });
    accepting.send('gw-01/press-07/command', JSON.stringify({ id: 'c1', desired: { oil: 4 } }));
    accepting.send('gw-01/press-07/command', '{"id":');
    await accepting.until(() => accepting.messages.length >= 2);
    for (const path of ['/status', '/metrics', '/health', '/nothing']) shown[path] = await get(path);
    child.kill('SIGTERM');
    await once(child, 'close');
    const { stdout, stderr } = await runCli(['check', configuration.directory]);
    Object.assign(shown, { check: stdout + stderr }, await filesOf(configuration.directory));
    for (const [name, { publishes }] of Object.entries({ accepting, refusing, mutual, aws: aws.broker }))
      shown[`what ${name} was sent`] = publishes.map(({ topic, payload }) => `${topic} ${payload}`).join('\n');
    const own = await readFile(await ownKeyOf(configuration.directory), 'utf8');
    const canaries = [...Object.values(SECRETS).flatMap(dresses), ...[...Object.values(keys), own].flatMap(linesOfKey)];
    assert.ok(Object.keys(shown).length > 12 && (shown['standard output'] ?? '').length > 2_000, Object.keys(shown).join());
    for (const [place, text] of Object.entries(shown))
      for (const canary of canaries) assert.ok(!text.includes(canary), `${place} holds ${canary.slice(0, 40)}`);
    assertIsolated({ accepting, refusing, mutual, aws: aws.broker });
  });
});

/** Each broker was shown its own credentials and no others. */
function assertIsolated(brokers: Readonly<Record<string, SinkBroker>>): void {
  const passwords = (broker: SinkBroker | undefined) =>
    [...new Set(broker?.connects.map(({ password }) => String(password ?? '')))].toSorted();
  assert.deepEqual(passwords(brokers.accepting), [SECRETS['accepted-password']]);
  assert.deepEqual(passwords(brokers.refusing), [SECRETS['sas-token'], SECRETS['refused-password']].toSorted());
  assert.deepEqual([passwords(brokers.mutual), passwords(brokers.aws)], [[''], ['']]);
}

/** Everything below the configuration but the secrets themselves. */
async function filesOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const wanted = paths.filter((path) => !path.startsWith(join(directory, 'secrets')) && !KEPT.test(path));
  return Object.fromEntries(await Promise.all(wanted.map(async (path) => [path, await readFile(path, 'latin1')] as const)));
}

async function ownKeyOf(directory: string): Promise<string> {
  const paths = await readdir(directory, { recursive: true });
  return join(directory, paths.find((path) => KEPT.test(path)) ?? assert.fail('the gateway has no key of its own'));
}
