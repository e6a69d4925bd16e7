import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { encodeLine } from '../../src/audit/audit-line.ts';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { verifyAudit } from '../../src/audit/verify-audit.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

describe('the chain of the audit log', () => {
  let directory: string;
  let logs: readonly string[];

  /** Entries with all kinds of text, also what damaged UTF-8 is read as, in three files. */
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'fieldmarshal-audit-'));
    const log = await openAuditLog({ directory, nowMs: () => NOW_MS, fileBytes: 1_500 });
    for (let turn = 0; turn < 12; turn += 1) {
      await log.append('command', {
        id: `c${turn}`,
        by: 'Zoë \uFFFD\u0000"\\',
        points: { speed: { status: 'written', value: turn } },
      });
    }
    await log.close();
    logs = readdirSync(directory).filter((name) => name.startsWith('audit-'));
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  /** The proof after `change`, which is undone. */
  async function proofAfter(file: string, change: (bytes: Buffer) => Buffer) {
    const path = join(directory, file);
    const whole = readFileSync(path);
    writeFileSync(path, change(Buffer.from(whole)));
    try {
      return await verifyAudit(directory);
    } finally {
      writeFileSync(path, whole);
    }
  }

  const anyFile = () => fc.constantFrom(...logs, 'head.json');
  const linesOf = (bytes: Buffer) => bytes.toString('latin1').split('\n').slice(0, -1);
  const joined = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');

  it('is whole as it was written, over several files', async () => {
    const proof = await verifyAudit(directory);
    assert.deepEqual([proof.isSound, proof.entries, proof.breaks, proof.notes], [true, 12, [], []]);
    assert.ok(logs.length >= 3);
  });

  it('shows any byte that is another one', async () => {
    const run = fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(), async (fileAt, mask, at) => {
      const file = [...logs, 'head.json'][fileAt % (logs.length + 1)] ?? 'head.json';
      const proof = await proofAfter(file, (bytes) => {
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ mask;
        return bytes;
      });
      assert.ok(!proof.isSound);
    });
    await fc.assert(run, { numRuns: 500 });
  });

  it('names file and line of the byte', async () => {
    const file = logs[1] ?? assert.fail('one file only');
    const proof = await proofAfter(file, (bytes) => {
      const second = bytes.indexOf('\n') + 20;
      bytes[second] = (bytes[second] ?? 0) ^ 1;
      return bytes;
    });
    assert.deepEqual(proof.breaks, [{ file, line: 2, message: 'this is not what was written here' }]);
  });

  it('shows any line that is missing, doubled or moved', async () => {
    const run = fc.asyncProperty(
      fc.constantFrom(...logs),
      fc.nat(),
      fc.nat(),
      fc.constantFrom('remove', 'double', 'swap'),
      async (file, a, b, how) => {
        const proof = await proofAfter(file, (bytes) => {
          const lines = linesOf(bytes);
          const [at, other] = [a % lines.length, b % lines.length];
          if (how === 'swap' && at === other) return Buffer.from('x');
          if (how === 'remove') return joined(lines.toSpliced(at, 1));
          if (how === 'double') return joined(lines.toSpliced(at, 0, lines[at] ?? ''));
          return joined(lines.with(at, lines[other] ?? '').with(other, lines[at] ?? ''));
        });
        assert.ok(!proof.isSound);
      },
    );
    await fc.assert(run, { numRuns: 200 });
  });

  it('shows an end that was cut off anywhere, and a file that is gone', async () => {
    const run = fc.asyncProperty(anyFile(), fc.nat(), async (file, at) => {
      const proof = await proofAfter(file, (bytes) => bytes.subarray(0, at % bytes.length));
      assert.ok(!proof.isSound);
    });
    await fc.assert(run, { numRuns: 200 });
    for (const file of logs) assert.ok(!(await proofAfter(file, () => Buffer.alloc(0))).isSound);
  });

  it('shows a line that was made anew with the right hash of its own', async () => {
    const [file = ''] = logs;
    const proof = await proofAfter(file, (bytes) => {
      const lines = linesOf(bytes);
      const { sequence, previous } = JSON.parse(lines[1] ?? '');
      const entry = { timeMs: NOW_MS, kind: 'command', fields: { id: 'c1', by: 'nobody' } };
      return joined(lines.with(1, encodeLine({ sequence: sequence - 1, hash: previous }, entry).text.trimEnd()));
    });
    assert.deepEqual(proof.breaks, [
      { file, line: 3, message: 'it does not follow line 2: lines were changed, moved or left out' },
    ]);
  });

  it('shows lines made anew with the right hashes, where a place of the chain is known from elsewhere', async () => {
    const { last } = await verifyAudit(directory);
    assert.ok(last !== undefined);
    const known = { sequence: last.sequence, hash: last.hash };
    assert.ok((await verifyAudit(directory, { known })).isSound);
    const forged = { sequence: last.sequence, hash: 'f'.repeat(64) };
    assert.ok(!(await verifyAudit(directory, { known: forged })).isSound);
    assert.ok(!(await verifyAudit(directory, { known: { sequence: 13, hash: last.hash } })).isSound);
  });
});
