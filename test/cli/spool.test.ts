import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { draft, open } from '../spool/support/spool-fixture.ts';
import { runCli } from '../support/run-cli.ts';

const SECRET = 'a spool key that nobody can guess, made for this test';

describe('fieldmarshal spool', function () {
  this.timeout(30_000);
  let directory: string;
  const at = (name: string) => join(directory, name);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fieldmarshal-spool-cli-'));
    await writeFile(
      at('gateway.yaml'),
      'gateway: { id: gw-01 }\nhubs:\n  cloud: { dialect: mqtt, url: mqtt://127.0.0.1 }\nmappings: [press.yaml]\n' +
        'spool: { directory: spool, encryption: { key: !secret spool-key } }\n',
    );
    await writeFile(
      at('press.yaml'),
      'twin: press-07\nconnection: { protocol: modbus-tcp, host: 127.0.0.1, unit: 1 }\npoints:\n  a: { address: { input: 1 }, type: int16 }\n',
    );
    await writeFile(at('spool-key'), SECRET);
    await chmod(at('spool-key'), 0o600);
    const spool = await open({ directory: at('spool'), keys: [Buffer.from(SECRET)] });
    await spool.append([draft('press-07', 1), draft('press-07', 2)]);
    await spool.close();
  });

  after(() => rm(directory, { recursive: true }));

  it('says what waits, that it is sound, and shows the messages, with the key that the configuration names', async () => {
    const [status, proof, messages] = await Promise.all(
      ['status', 'verify', 'export'].map((verb) => runCli(['spool', verb, '--config', directory])),
    );
    assert.match(
      status?.stdout ?? '',
      /^telemetry: 1 segment, \d+ bytes, 2 messages, epoch \w{16}, encrypted with \w{8}\n {2}cloud: 2 messages with 2 readings waiting, the oldest since /m,
    );
    assert.match(proof?.stdout ?? '', /\nsound: /);
    const lines = (messages?.stdout ?? '').trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).hubs),
      [1, 2].map((sequence) => ({ cloud: { sequence, isWaiting: true } })),
    );
    assert.deepEqual([status?.code, proof?.code, messages?.code], [0, 0, 0]);
  });

  it('names the hubs that there are when it is asked for another', async () => {
    const [wrong, right, nothing] = await Promise.all([
      runCli(['spool', 'export', directory, '--hub', 'clod']),
      runCli(['spool', 'export', directory, '--hub', 'cloud']),
      runCli(['spool', 'export', '--config', directory, '--hub', 'clod', '--waiting']),
    ]);
    for (const { code, stdout, stderr } of [wrong, nothing]) {
      assert.deepEqual([code, stdout], [64, '']);
      assert.match(stderr, /^clod: there is no such hub; there are cloud \(USAGE\)/);
    }
    assert.deepEqual([right.code, right.stdout.trimEnd().split('\n').length], [0, 2]);
  });

  it('says that there is none where no gateway has run, or its disk is not there', async () => {
    const other = at('other');
    await mkdir(other);
    for (const name of ['gateway.yaml', 'press.yaml', 'spool-key']) await copyFile(at(name), join(other, name));
    const { code, stderr } = await runCli(['spool', 'verify', '--config', other]);
    assert.equal(code, 74);
    assert.match(stderr, /other\/spool: there is no spool: a gateway makes it when it first starts.*\(SPOOL_WRITE\)/);
  });

  it('ends with 74 where a key is missing, and names what to do', async () => {
    await writeFile(at('spool-key'), 'another key that is long enough to be taken for one');
    const { code, stderr } = await runCli(['spool', 'status', '--config', directory]);
    assert.equal(code, 74);
    assert.match(stderr, /SPOOL_LOCKED.*\n.*oldKeys/);
  });
});
