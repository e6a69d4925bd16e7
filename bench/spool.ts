import { mkdtemp, open as openFile, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Draft } from '../src/model/draft.ts';
import { openSpool } from '../src/spool/open-spool.ts';
import type { Bench } from './harness/bench.ts';
import { compare } from './harness/compare.ts';
import { benchDrafts } from './harness/messages.ts';
import { sample } from './harness/sample.ts';

/** What the bare loop writes at once. */
const GROUP = 256;
/** Enough that the next messages are made while a commit is under way. */
const UNDER_WAY = 8 * GROUP;
/** Bytes written for each of payload. */
const UNCOMPRESSED_AIM = 1.1;

/** The spool: appending messages of 50 readings, against the disk alone. */
export const spool: Bench = async (effort) => {
  const drafts = benchDrafts('press-07', effort.isQuick ? 1_000 : 30_000);
  const payloads = drafts.map(({ message }) => Buffer.from(JSON.stringify(message)));
  const payloadBytes = payloads.reduce((sum, { length }) => sum + length, 0);
  const mean = Math.round(payloadBytes / payloads.length);
  const bare = `appends of ${GROUP} ready-made payloads of ${mean} bytes, each with an fdatasync`;
  const append = await compare(
    {
      rows: {
        perSecond: { name: 'spool append', unit: 'messages/s', note: `${bare}; ours makes the payloads, too` },
        written: { name: 'spool, bytes written per byte of payload', unit: 'bytes', note: `${bare}; counted by the kernel` },
      },
      ours: () => inDirectory((directory) => appended(payloadBytes, drafts.length, () => appendOurs(directory, drafts))),
      limit: () => inDirectory((directory) => appended(payloadBytes, drafts.length, () => appendBare(directory, payloads))),
    },
    effort,
  );
  const encode = () => drafts.map(({ message }) => Buffer.from(JSON.stringify(message)));
  const encoded = await compare(
    {
      rows: { perSecond: { name: 'spool append, limit encodes', unit: 'messages/s', note: `JSON.stringify, then ${bare}` } },
      ours: () => inDirectory((directory) => appended(payloadBytes, drafts.length, () => appendOurs(directory, drafts))),
      limit: () => inDirectory((directory) => appended(payloadBytes, drafts.length, () => appendBare(directory, encode()))),
    },
    effort,
  );
  const uncompressed = await compare(
    {
      rows: {
        written: {
          name: 'spool, bytes written, uncompressed',
          unit: 'bytes',
          note: '`compression: none`, against the aim; by the kernel',
        },
      },
      ours: () => inDirectory((directory) => appended(payloadBytes, drafts.length, () => appendOurs(directory, drafts, 'none'))),
      limit: async () => ({ written: UNCOMPRESSED_AIM }),
    },
    effort,
  );
  return [...append, ...encoded, ...uncompressed];
};

type Append = (directory: string) => Promise<Appended>;

interface Appended {
  readonly perSecond: number;
  readonly written: number;
}

async function appended(payloadBytes: number, messages: number, append: () => Promise<void>): Promise<Appended> {
  const before = await writtenBytes();
  const { perSecond } = await sample(async () => {
    await append();
    return messages;
  });
  return { perSecond, written: ((await writtenBytes()) - before) / payloadBytes };
}

async function appendOurs(directory: string, drafts: readonly Draft[], compression: 'zstd' | 'none' = 'zstd'): Promise<void> {
  const limits = { maxBytes: 2 ** 30, maxAgeMs: 86_400_000, commitWindowMs: 100, compression } as const;
  const opened = await openSpool({ directory, ...limits, hubs: ['cloud'], onEvent: () => {} });
  try {
    const waiting: Promise<void>[] = [];
    for (const draft of drafts) {
      waiting.push(opened.append([draft]));
      if (waiting.length >= UNDER_WAY) await waiting[waiting.length - UNDER_WAY];
    }
    await Promise.all(waiting);
  } finally {
    await opened.close();
  }
}

async function appendBare(directory: string, payloads: readonly Buffer[]): Promise<void> {
  const file = await openFile(join(directory, 'log'), 'wx');
  try {
    for (let at = 0; at < payloads.length; at += GROUP) {
      await file.write(Buffer.concat(payloads.slice(at, at + GROUP)));
      await file.datasync();
    }
  } finally {
    await file.close();
  }
}

async function inDirectory(work: Append): Promise<Appended> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-spool-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What this process had the kernel write to disks, whole pages, since its start. */
async function writtenBytes(): Promise<number> {
  const io = await readFile('/proc/self/io', 'utf8').catch(() => '');
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1] ?? Number.NaN);
}
