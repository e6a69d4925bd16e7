import assert from 'node:assert/strict';
import { BlockCodec } from '../../src/spool/block.ts';
import { decodeFrame, encodeFrame, encodeFrames, type Frame } from '../../src/spool/frame.ts';
import { FrameScanner, type Scanned } from '../../src/spool/frame-scanner.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';

function frame(offset: number, bytes = 50): Frame {
  const body = Buffer.alloc(bytes, 'x');
  return { kind: 'message', offset, index: 0, epoch: '0123456789abcdef', head: Buffer.from('{}'), body };
}

async function scan(bytes: Buffer): Promise<readonly Scanned[]> {
  const disk = new SimulatedDisk();
  disk.overwrite('/file', bytes);
  const scanner = new FrameScanner(await disk.open('/file', 'read'), 0, new BlockCodec({ compression: 'none', keys: [] }));
  const all: Scanned[] = [];
  for (let some = await scanner.next(bytes.length); some.length > 0; some = await scanner.next(bytes.length)) all.push(...some);
  return all;
}

function told(scanned: readonly Scanned[]): readonly string[] {
  return scanned.map((item) => (item.found === 'frame' ? `frame ${item.frame.offset}` : `damage ${item.from}-${item.to}`));
}

describe('a frame', () => {
  it('comes back as it was written', () => {
    assert.deepEqual(decodeFrame(encodeFrame(frame(7)), 0), frame(7));
  });

  it('is none with any one bit changed', () => {
    const bytes = encodeFrame(frame(7));
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.notEqual(typeof decodeFrame(damaged, 0), 'object', `bit ${bit}`);
    }
  });

  it('is not whole when it is cut off at any byte', () => {
    const bytes = encodeFrame(frame(7));
    for (let end = 0; end < bytes.length; end += 1) assert.equal(typeof decodeFrame(bytes.subarray(0, end), 0), 'number');
  });
});

describe('a walk over frames', () => {
  const [one, two, three] = [frame(1), frame(2), frame(3)].map(encodeFrame);
  const length = one?.length ?? 0;

  it('finds each, also one longer than a chunk', async () => {
    assert.deepEqual(told(await scan(encodeFrames([frame(1), frame(2, 600_000), frame(3)]))), ['frame 1', 'frame 2', 'frame 3']);
  });

  it('goes on behind damage and says where it is', async () => {
    const bytes = Buffer.concat([one, two, three].filter((part) => part !== undefined));
    bytes.fill(0, length, 2 * length);
    assert.deepEqual(told(await scan(bytes)), ['frame 1', `damage ${length}-${2 * length}`, 'frame 3']);
  });

  it('takes an older frame behind a newer one for left-over bytes', async () => {
    const bytes = encodeFrames([frame(2), frame(1), frame(3)]);
    assert.deepEqual(told(await scan(bytes)), ['frame 2', `damage ${length}-${2 * length}`, 'frame 3']);
  });
});
