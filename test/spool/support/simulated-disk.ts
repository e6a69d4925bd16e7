import { randomUUID } from 'node:crypto';
import type { File, FileSystem } from '../../../src/spool/file-system.ts';

const SECTOR_BYTES = 512;

interface Inode {
  readonly identity: string;
  /** What survives a power cut. */
  durable: Buffer;
  /** What everybody sees. */
  visible: Buffer;
  /** What was written since the last datasync, to be torn. */
  pending: { bytes: Buffer; position: number }[];
}

export class PowerCut extends Error {}

/**
 * A disk in memory that forgets: at `cutPower` names not synced with their directory and bytes not synced with their file are
 * kept, lost or torn, sector by sector, as `random` says. `failAt` lets the n-th operation that changes something fail.
 */
export class SimulatedDisk implements FileSystem {
  readonly #random: () => number;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #operations = 0;
  #isOff = false;
  /** Files that were opened and not closed. */
  openFiles = 0;
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Called before each operation that changes something; what it throws is the error of the disk. */
  onOperation: (count: number, kind: string) => void = () => {};
  /** Called before each listing, opening and reading; what it throws is the error of the disk. */
  onRead: () => void = () => {};
  /** Called before each write; the number of bytes to take. */
  shortWrite: (count: number, length: number) => number = (_, length) => length;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Bytes of every file. */
  get bytes(): number {
    return [...this.#names.values()].reduce((sum, { visible }) => sum + visible.length, 0);
  }

  paths(part = ''): readonly string[] {
    return [...this.#names.keys()].filter((path) => path.includes(part)).toSorted();
  }

  content(path: string): Buffer {
    return Buffer.from(this.#names.get(path)?.visible ?? '');
  }

  /** Somebody else writes into the file; `undefined` deletes it. */
  overwrite(path: string, bytes: Buffer | undefined): void {
    const identity = this.#names.get(path)?.identity ?? randomUUID();
    const inode = bytes === undefined ? undefined : { identity, durable: bytes, visible: bytes, pending: [] };
    for (const names of [this.#names, this.#durableNames]) inode === undefined ? names.delete(path) : names.set(path, inode);
  }

  /** The files as a backup holds them: same bytes, other files. */
  backUp(): SimulatedDisk {
    const copy = new SimulatedDisk(this.#random);
    for (const path of this.paths()) copy.overwrite(path, this.content(path));
    return copy;
  }

  /** The same files with the same bytes, to go different ways from here. */
  fork(): SimulatedDisk {
    const fork = new SimulatedDisk(this.#random);
    for (const [path, { identity, visible }] of this.#names) {
      const inode = { identity, durable: visible, visible, pending: [] };
      fork.#names.set(path, inode);
      fork.#durableNames.set(path, inode);
    }
    return fork;
  }

  get operations(): number {
    return this.#operations;
  }

  /** Every operation under way or to come of those who use the disk now fails; returns the disk as it is after power is back. */
  cutPower(): SimulatedDisk {
    this.#isOff = true;
    const next = new SimulatedDisk(this.#random);
    const isKept = () => this.#random() < 0.5;
    const names = new Map(this.#durableNames);
    const gone = [...this.#durableNames].filter(([name]) => !this.#names.has(name));
    for (const [name, inode] of this.#names) {
      if (!isKept()) continue;
      names.set(name, inode);
      // A file that was renamed has the old name or the new one, as a journal keeps it.
      for (const [old, renamed] of gone) if (renamed === inode) names.delete(old);
    }
    const visible = new Set(this.#names.values());
    for (const [name, inode] of gone) if (!visible.has(inode) && isKept()) names.delete(name);
    for (const [name, inode] of names) {
      const bytes = this.#tear(inode);
      const survivor = { identity: inode.identity, durable: bytes, visible: bytes, pending: [] };
      next.#names.set(name, survivor);
      next.#durableNames.set(name, survivor);
    }
    return next;
  }

  #tear({ durable, pending }: Inode): Buffer {
    let bytes = durable;
    for (const write of pending) {
      for (let at = 0; at < write.bytes.length; at += SECTOR_BYTES) {
        if (this.#random() < 0.5) bytes = overwrite(bytes, write.bytes.subarray(at, at + SECTOR_BYTES), write.position + at);
      }
    }
    return bytes;
  }

  async makeDirectory(): Promise<void> {}

  async list(path: string): Promise<readonly string[]> {
    this.#check();
    this.onRead();
    const prefix = `${path}/`;
    const names = [...this.#names.keys()].filter((name) => name.startsWith(prefix));
    return names.map((name) => name.slice(prefix.length)).filter((name) => !name.includes('/'));
  }

  async open(path: string, mode: 'create' | 'write' | 'read'): Promise<File> {
    this.#check();
    this.onRead();
    let inode = this.#names.get(path);
    if (inode !== undefined && mode === 'create') throw Object.assign(new Error(`${path} exists`), { code: 'EEXIST' });
    if (inode === undefined && mode === 'read') throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    if (inode === undefined) {
      this.#operate('create');
      inode = { identity: randomUUID(), durable: Buffer.alloc(0), visible: Buffer.alloc(0), pending: [] };
      this.#names.set(path, inode);
    }
    return this.#file(inode);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#operate('rename');
    const inode = this.#names.get(from);
    if (inode === undefined) throw Object.assign(new Error(`no ${from}`), { code: 'ENOENT' });
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    this.#operate('remove');
    if (!this.#names.delete(path)) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
  }

  async freeBytes(): Promise<number> {
    return this.capacityBytes - this.bytes;
  }

  async syncDirectory(): Promise<void> {
    this.#operate('syncDirectory');
    this.#durableNames = new Map(this.#names);
  }

  #file(inode: Inode): File {
    this.openFiles += 1;
    return {
      size: async () => inode.visible.length,
      identity: async () => inode.identity,
      read: async (into, position) => {
        this.#check();
        this.onRead();
        return position >= inode.visible.length ? 0 : inode.visible.copy(into, 0, position);
      },
      write: async (bytes, position) => {
        const count = Math.min(bytes.length, this.shortWrite(this.#operations + 1, bytes.length));
        this.#operate('write');
        const taken = Buffer.from(bytes.subarray(0, count));
        inode.visible = overwrite(inode.visible, taken, position);
        inode.pending.push({ bytes: taken, position });
        return count;
      },
      datasync: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        try {
          this.#operate('datasync');
        } catch (error) {
          // As Linux does: the pages are marked clean, what was in them may be lost.
          inode.durable = this.#tear(inode);
          inode.pending = [];
          throw error;
        }
        inode.durable = inode.visible;
        inode.pending = [];
      },
      truncate: async (size) => {
        this.#operate('truncate');
        inode.visible = inode.visible.subarray(0, size);
        inode.durable = inode.durable.subarray(0, size);
        inode.pending = inode.pending.filter(({ position }) => position < size);
      },
      close: async () => {
        this.openFiles -= 1;
      },
    };
  }

  #operate(kind: string): void {
    this.#check();
    this.#operations += 1;
    this.onOperation(this.#operations, kind);
  }

  #check(): void {
    if (this.#isOff) throw new PowerCut('the power is off');
  }
}

function overwrite(bytes: Buffer, part: Uint8Array, position: number): Buffer {
  const result = Buffer.alloc(Math.max(bytes.length, position + part.length));
  bytes.copy(result);
  result.set(part, position);
  return result;
}
