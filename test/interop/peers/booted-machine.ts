import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOTFS = process.env.FIELDMARSHAL_TEST_ROOTFS ?? join(tmpdir(), 'fieldmarshal-test-rootfs');

/** What is missing to boot a machine here; `undefined` when nothing is. */
export function whyNotBootable(): string | undefined {
  const isReady = existsSync(join(ROOTFS, 'etc/os-release')) && spawnSync('systemd-nspawn', ['--version']).status === 0;
  if (process.getuid?.() !== 0) return 'run as root';
  return isReady ? undefined : 'run scripts/install-test-peers/systemd.sh as root';
}

/** A copy of a small Debian on disk, that can be booted with systemd as its first process. No network but its own loopback. */
export class BootedMachine {
  readonly root: string;
  readonly #directory: string;
  #container: ChildProcess | undefined;
  #firstProcess: string | undefined;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'machine-'));
    this.root = join(this.#directory, 'root');
    const { status, stderr } = spawnSync('cp', ['-a', '--reflink=auto', ROOTFS, this.root], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the machine cannot be copied: ${stderr}`);
  }

  /** Writes a file of the machine. */
  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text, { mode });
  }

  copy(from: string, path: string): void {
    cpSync(from, join(this.root, path), { recursive: true });
  }

  async boot(): Promise<void> {
    const isolation = ['--register=no', '--keep-unit', '--private-network', `--machine=fieldmarshal-${process.pid}`];
    const container = spawn('systemd-nspawn', ['--quiet', '-D', this.root, '--boot', ...isolation], { stdio: 'ignore' });
    this.#container = container;
    const first = `/proc/${container.pid}/task/${container.pid}/children`;
    await until('the machine has a first process', () => {
      if (container.exitCode !== null) throw new Error(`systemd-nspawn ended with ${container.exitCode}`);
      this.#firstProcess = readFileSync(first, 'utf8').trim().split(' ')[0];
      return this.#firstProcess !== '' && this.run('systemctl', 'is-system-running').output.trim() === 'running';
    });
  }

  /** Runs a program inside. */
  run(...command: readonly string[]): { readonly status: number | null; readonly output: string } {
    const { status, stdout, stderr } = spawnSync('nsenter', ['-t', String(this.#firstProcess), '-a', ...command], {
      encoding: 'utf8',
      timeout: 60_000,
      // Of the machine outside, nothing.
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    return { status, output: stdout + stderr };
  }

  /** Properties of a unit as systemd shows them. */
  show(unit: string, ...names: readonly string[]): Readonly<Record<string, string>> {
    const { output } = this.run('systemctl', 'show', unit, `--property=${names.join(',')}`);
    return Object.fromEntries(
      output
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s, 2)),
    );
  }

  journal(unit: string): string {
    return this.run('journalctl', '--unit', unit, '--no-pager', '--output=cat').output;
  }

  async shutDown(): Promise<void> {
    const container = this.#container;
    if (container !== undefined && container.exitCode === null) {
      const ended = once(container, 'exit');
      this.run('systemctl', 'poweroff');
      const force = setTimeout(() => container.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(force);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Looks again and again until it is so. */
export async function until(what: string, isSo: () => boolean, timeoutMs = 30_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
