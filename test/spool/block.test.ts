import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BlockCodec, type BlockOptions } from '../../src/spool/block.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../src/spool/frame.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, numbers, open, readAll } from './support/spool-fixture.ts';

const KEY = Buffer.from('a secret that nobody else knows, long enough');
const NEW_KEY = Buffer.from('another secret, made when the first was old');
const KINDS: Readonly<Record<string, BlockOptions>> = {
  plain: { compression: 'none', keys: [] },
  compressed: { compression: 'zstd', keys: [] },
  encrypted: { compression: 'none', keys: [KEY] },
  'compressed and encrypted': { compression: 'zstd', keys: [KEY] },
};

function messages(contents: readonly string[], offset = 7): readonly Frame[] {
  return contents.map((text, index) => ({
    kind: 'message',
    ...{ offset: offset + index, index, epoch: '0123456789abcdef' },
    head: Buffer.from(`[${index}]`),
    body: Buffer.from(text),
  }));
}

function opened(codec: BlockCodec, blocks: readonly Frame[]): readonly Frame[] {
  return blocks.flatMap((block) => codec.open(block) ?? assert.fail('damaged'));
}

describe('a block', () => {
  for (const [name, options] of Object.entries(KINDS)) {
    it(`gives back the messages it was made of: ${name}`, async () => {
      const codec = new BlockCodec(options);
      const contents = fc.array(fc.string({ maxLength: 300 }), { minLength: 1, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(contents, async (texts) => {
          const frames = messages(texts);
          assert.deepEqual(opened(codec, await codec.seal(frames)), frames);
        }),
        { numRuns: 30 },
      );
    });
  }

  it('takes little more memory than its messages, which keep it', async () => {
    const codec = new BlockCodec({ compression: 'zstd', keys: [] });
    const blocks = await codec.seal(messages(['x'.repeat(700)]));
    const kept = Array.from({ length: 100 }, () => opened(codec, blocks)).flat();
    const memory = new Set(kept.map(({ body }) => body.buffer));
    const bytes = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
    // Node gives out parts of 64 KiB.
    assert.ok(bytes < 300_000, `${bytes} bytes for 100 times 700`);
  });

  for (const [told, change] of [
    ['does not say', {}],
    ['says too little', { b: 1 }],
    ['says too much', { b: 40_000 }],
  ] as const) {
    it(`gives back its messages where it ${told} how large they are`, async () => {
      const codec = new BlockCodec({ compression: 'zstd', keys: [] });
      const frames = messages(['one', 'two'.repeat(9_000)]);
      const [block] = await codec.seal(frames);
      assert.ok(block);
      const head = Buffer.from(JSON.stringify({ n: 2, z: 1, ...change }));
      assert.deepEqual(codec.open({ ...block, head }), frames);
    });
  }

  it('is one of several where a commit is large, each in its place', async () => {
    const codec = new BlockCodec({ compression: 'zstd', keys: [] });
    const frames = messages(Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(3_000, 'x')));
    const blocks = await codec.seal(frames);
    assert.ok(blocks.length >= 4, `${blocks.length} blocks`);
    assert.deepEqual(opened(codec, blocks), frames);
    const size = blocks.reduce((sum, block) => sum + encodeFrame(block).length, 0);
    assert.ok(size < 30_000, `${size} bytes for 300 000`);
  });

  it('is refused, changed in any way, although its checksum fits', async () => {
    const codec = new BlockCodec({ compression: 'none', keys: [KEY] });
    const [block] = await codec.seal(messages(['one', 'two']));
    assert.ok(block);
    for (let at = 0; at < block.body.length; at += 1) {
      const body = Buffer.from(block.body);
      body[at] = (body[at] ?? 0) ^ 1;
      const changed = decodeFrame(encodeFrame({ ...block, body }), 0);
      assert.equal(codec.open(changed as Frame), undefined, `byte ${at}`);
    }
    for (const place of [{ offset: 8 }, { index: 1 }, { epoch: 'f'.repeat(16) }])
      assert.equal(codec.open({ ...block, ...place }), undefined, JSON.stringify(place));
    assert.equal(new BlockCodec({ compression: 'none', keys: [NEW_KEY] }).open(block), undefined);
  });
});

describe('a spool that is encrypted', () => {
  const options = { directory: '/spool', compression: 'none' as const };
  const keep = async (disk: SimulatedDisk, keys: readonly Buffer[], from: number) => {
    const spool = await open({ ...options, fileSystem: disk, keys });
    for (let value = from; value < from + 3; value += 1) await spool.append([draft('press', value, ['cloud'], 'a plain text')]);
    await spool.close();
  };

  it('shows nothing of a message to whoever takes the disk', async () => {
    const [plain, secret] = [new SimulatedDisk(), new SimulatedDisk()];
    await keep(plain, [], 1);
    await keep(secret, [KEY], 1);
    const holds = (disk: SimulatedDisk) => disk.paths().some((path) => disk.content(path).includes('a plain text'));
    assert.deepEqual([holds(plain), holds(secret)], [true, false]);
  });

  it('goes on with a new key, and still reads what the old one wrote', async () => {
    const disk = new SimulatedDisk();
    await keep(disk, [], 1);
    await keep(disk, [KEY], 4);
    await keep(disk, [NEW_KEY, KEY], 7);
    const spool = await open({ ...options, fileSystem: disk, keys: [NEW_KEY, KEY] });
    assert.deepEqual(numbers(await readAll(spool.reader('cloud'))), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await spool.close();
  });

  it('is not opened, and not touched, while a key is missing', async () => {
    const disk = new SimulatedDisk();
    await keep(disk, [KEY], 1);
    await keep(disk, [NEW_KEY, KEY], 4);
    const before = disk.operations;
    for (const keys of [[], [NEW_KEY]])
      await assert.rejects(open({ ...options, fileSystem: disk, keys }), { code: 'SPOOL_LOCKED' });
    assert.equal(disk.operations, before);
    const spool = await open({ ...options, fileSystem: disk, keys: [NEW_KEY, KEY] });
    assert.equal((await readAll(spool.reader('cloud'))).length, 6);
    await spool.close();
  });
});
