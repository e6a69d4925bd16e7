import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename } from 'node:path';

/** Who holds a serial port open, e.g. `minicom (pid 4711)`; as far as /proc lets us see. */
export async function findPortHolder(path: string): Promise<string | undefined> {
  const device = await realpath(path).catch(() => path);
  const processes = (await list('/proc')).filter((entry) => /^\d+$/.test(entry));
  const ourselves = String(process.pid);
  // Of several the one that is not us is worth telling.
  for (const pid of [...processes.filter((other) => other !== ourselves), ourselves]) {
    if (await holds(pid, device)) return describe(pid);
  }
  return undefined;
}

async function holds(pid: string, device: string): Promise<boolean> {
  const descriptors = await list(`/proc/${pid}/fd`);
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return targets.includes(device);
}

async function describe(pid: string): Promise<string> {
  if (Number(pid) === process.pid) return 'this gateway itself';
  const [program = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return `${basename(program) || 'a program'} (pid ${pid})`;
}

async function list(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}
