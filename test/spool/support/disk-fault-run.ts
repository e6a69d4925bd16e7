import assert from 'node:assert/strict';
import { Receiver } from './reference.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { draft, numbers, open, readAll } from './spool-fixture.ts';

export type Fault = (disk: SimulatedDisk, operation: number) => void;

function failing(code: string, times: number): Fault {
  return (disk, operation) => {
    disk.onOperation = (count) => {
      if (count >= operation && count < operation + times) throw Object.assign(new Error(code), { code });
    };
  };
}

/** Half of the bytes are taken, then the disk is full for a while, as Linux does it. */
const fillingUp: Fault = (disk, operation) => {
  disk.shortWrite = (count, length) => (count === operation ? Math.floor(length / 2) : length);
  failing('ENOSPC', 2)(disk, operation + 1);
};

export const DISK_FAULTS: Readonly<Record<string, Fault>> = {
  'a full disk': failing('ENOSPC', 1),
  'a disk that stays full for a while': failing('ENOSPC', 4),
  'an input/output error': failing('EIO', 1),
  'a write that ends short because the disk is full': fillingUp,
};

/** Returns how many operations the run took. */
export async function runWithFault(fault: Fault, operation: number): Promise<number> {
  const disk = new SimulatedDisk();
  fault(disk, operation);
  const options = { directory: '/spool', fileSystem: disk, maxBytes: 128 * 1024, commitWindowMs: 0 };
  const spool = await open(options);
  const values = Array.from({ length: 30 }, (_, index) => index + 1);
  const receiver = new Receiver();
  for (const value of values) await spool.append([draft('press', value, ['cloud'], 'x'.repeat(300))]);
  const stored = await readAll(spool.reader('cloud'), 10);
  receiver.take(stored);
  spool.reader('cloud').acknowledge(stored[10] ?? assert.fail());
  await spool.append([draft('press', 31)]);
  await spool.close();
  const again = await open({ ...options, fileSystem: disk.cutPower() });
  receiver.take(await readAll(again.reader('cloud'), 10), true);
  await again.close();
  assert.deepEqual(receiver.unexplained(), [], `operation ${operation}`);
  assert.deepEqual(numbers(stored), values, `operation ${operation}`);
  assert.equal(new Set(receiver.values()).size, 31, `operation ${operation}`);
  return disk.operations;
}
