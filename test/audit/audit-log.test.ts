import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditLogOptions, openAuditLog } from '../../src/audit/audit-log.ts';
import { verifyAudit } from '../../src/audit/verify-audit.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

describe('the audit log', () => {
  let root: string;
  let directory: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'fieldmarshal-audit-'));
    directory = join(root, 'audit');
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const open = (more: Partial<AuditLogOptions> = {}) => openAuditLog({ directory, nowMs: () => NOW_MS, ...more });
  const logs = () => readdirSync(directory).filter((name) => name.startsWith('audit-'));
  const path = (name = logs().at(-1) ?? '') => join(directory, name);
  const lines = () =>
    logs().flatMap((name) =>
      readFileSync(path(name), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    );
  const write = async (...kinds: readonly string[]) => {
    const log = await open();
    const places = await Promise.all(kinds.map((kind) => log.append(kind, {})));
    await log.close();
    return places;
  };

  it('goes on with its numbers over restarts, and tells the place of each entry when it is durable', async () => {
    assert.deepEqual(
      (await write('a', 'b')).map((place) => place?.sequence),
      [1, 2],
    );
    assert.deepEqual(
      (await write('c')).map((place) => place?.sequence),
      [3],
    );
    assert.deepEqual(
      lines().map(({ sequence, kind, time }) => [sequence, kind, time]),
      [
        [1, 'a', '2026-01-01T00:00:00.000Z'],
        [2, 'b', '2026-01-01T00:00:00.000Z'],
        [3, 'c', '2026-01-01T00:00:00.000Z'],
      ],
    );
    assert.ok((await verifyAudit(directory)).isSound);
  });

  it('declares a torn line in the chain, with what was there, wherever it was torn', async () => {
    await write('a', 'b');
    const torn = `{"sequence":3,"time":"2026-01-01T00:00:00.000Z","previous":"${'0'.repeat(64)}","kind":"command"`;
    for (const length of [1, 20, torn.length]) {
      appendFileSync(path(), torn.slice(0, length));
      assert.deepEqual(
        (await verifyAudit(directory)).notes.map(({ message }) => message),
        [
          ...Array(lines().filter(({ kind }) => kind === 'recovered').length)
            .fill(0)
            .map((_, index) => `${[1, 20][index]} bytes of a torn write were cut off before`),
          'the last line is not whole: torn, or being written',
        ],
      );
      await write('c');
      const { cutBytes, cutText } = lines().findLast(({ kind }) => kind === 'recovered');
      assert.deepEqual([cutBytes, cutText], [length, torn.slice(0, length)]);
      assert.ok((await verifyAudit(directory)).isSound);
    }
  });

  it('does not close a gap that a start finds: the lines are missing for ever', async () => {
    await write('a', 'b', 'c', 'd');
    const kept = readFileSync(path(), 'utf8')
      .split('\n')
      .slice(0, 2)
      .map((line) => `${line}\n`)
      .join('');
    truncateSync(path(), kept.length);
    await write('e');
    assert.deepEqual(
      lines().map(({ sequence }) => sequence),
      [1, 2, 5, 6],
    );
    assert.deepEqual(lines()[2].missing, { from: 3, to: 4 });
    const { isSound, breaks } = await verifyAudit(directory);
    assert.deepEqual(
      [isSound, breaks],
      [false, [{ file: logs()[0], line: 3, message: 'lines 3 to 4 were gone when the gateway started' }]],
    );
  });

  it('does not close the gap of a whole log that is gone', async () => {
    await write('a', 'b');
    for (const name of logs()) rmSync(path(name));
    await write('c');
    assert.deepEqual(
      lines().map(({ sequence }) => sequence),
      [3, 4],
    );
    assert.ok(!(await verifyAudit(directory)).isSound);
  });

  it('tells that the head was gone or damaged', async () => {
    await write('a');
    rmSync(join(directory, 'head.json'));
    await write('b');
    writeFileSync(join(directory, 'head.json'), 'x');
    await write('c');
    assert.deepEqual(
      lines().flatMap(({ head }) => head ?? []),
      ['missing', 'damaged'],
    );
    assert.ok((await verifyAudit(directory)).isSound);
  });

  it('begins a new file when one is full, with the chain going on', async () => {
    const log = await open({ fileBytes: 400 });
    for (let turn = 0; turn < 5; turn += 1) await log.append('a', {});
    await log.close();
    assert.ok(logs().length >= 2);
    assert.deepEqual(logs().at(0), 'audit-000000000001.jsonl');
    const { isSound, entries } = await verifyAudit(directory);
    assert.deepEqual([isSound, entries], [true, 5]);
  });

  it('keeps everything, unless a bound is told; then the oldest go, which the chain tells', async () => {
    const log = await open({ fileBytes: 1_000, maxBytes: 4_000 });
    for (let turn = 0; turn < 60; turn += 1) await log.append('a', {});
    await log.close();
    const bytes = logs().reduce((sum, name) => sum + statSync(path(name)).size, 0);
    assert.ok(bytes <= 4_000, `${bytes} bytes`);
    const { isSound, first, notes } = await verifyAudit(directory);
    assert.ok(isSound && (first?.sequence ?? 0) > 1 && notes.length > 0);
    rmSync(path(logs()[0]));
    assert.ok(!(await verifyAudit(directory)).isSound);
  });

  it('goes on while the disk refuses, and tells how many entries were lost', async () => {
    writeFileSync(directory, 'a file where the directory should be');
    const failures: unknown[] = [];
    const log = await open({ onFailure: (error) => failures.push(error) });
    const appended = Array.from({ length: 10_005 }, () => log.append('a', {}));
    assert.deepEqual(await Promise.all(appended.slice(10_000)), Array(5).fill(undefined));
    assert.deepEqual([log.status().state, log.status().lost, failures.length], ['degraded', 5, 1]);
    rmSync(directory);
    const [first] = await Promise.all(appended);
    assert.equal(first?.sequence, 2);
    assert.equal(log.status().state, 'ok');
    await log.close();
    assert.deepEqual([lines()[0].kind, lines()[0].entries], ['lost', 5]);
    const { isSound, entries } = await verifyAudit(directory);
    assert.deepEqual([isSound, entries], [true, 10_001]);
  });

  it('ends, with what waits told as lost, when the disk still refuses', async () => {
    writeFileSync(directory, 'a file where the directory should be');
    const log = await open();
    const appended = log.append('a', {});
    await log.close();
    assert.equal(await appended, undefined);
    assert.equal(await log.append('b', {}), undefined);
    assert.equal(log.status().lost, 2);
  });

  it('never writes more than some KiB of what came', async () => {
    const log = await open();
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`p${index}`, 'x'.repeat(10_000)]));
    await log.append('a', {
      text: 'x'.repeat(100_000),
      many,
      list: Array(1_000).fill(1),
      wide: 2n ** 64n,
      sequence: 99,
      kind: 'b',
    });
    await log.close();
    assert.ok(statSync(path()).size < 17_000);
    const [{ sequence, kind, wide, text, omittedBytes }] = lines();
    assert.deepEqual([sequence, kind, wide, text.length, omittedBytes > 16_384], [1, 'a', String(2n ** 64n), 257, true]);
  });

  it('knows the last start of the gateway', async () => {
    const log = await open();
    assert.equal(log.lastStart, undefined);
    await log.append('start', { configuration: 'abc' });
    await log.append('stop', {});
    await log.close();
    const next = await open();
    assert.equal(next.lastStart?.configuration, 'abc');
    await next.close();
  });
});
