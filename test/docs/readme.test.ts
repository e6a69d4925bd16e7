import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawn as spawnOnTerminal } from '@lydell/node-pty';
import { type Plant, startPlant } from '../../src/simulator/plant.ts';
import { exitOf } from '../support/run-cli.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Ports of the demo, which may be running on this machine. */
const PRESS = '15502';
const BROKER = '18830';

interface Step {
  readonly language: string;
  /** The file that a block of YAML goes to. */
  readonly file: string;
  readonly text: string;
}

interface Shown {
  readonly command: string;
  readonly output: string;
}

describe('README', function () {
  this.timeout(60_000);
  let plant: Plant;
  let directory: string;
  let steps: readonly Step[];
  const endings: (() => unknown)[] = [];

  before(async () => {
    const text = await readFile(join(ROOT, 'README.md'), 'utf8');
    steps = [...text.matchAll(/^```(\w*) ?(\S*)\n([\s\S]*?)^```$/gm)].map(([, language = '', file = '', block = '']) => {
      return { language, file, text: block };
    });
    plant = await startPlant();
    directory = await mkdtemp(join(tmpdir(), 'fieldmarshal-readme-'));
    await mkdir(join(directory, 'my-plant'));
    for (const name of ['bin', 'node_modules']) await symlink(join(ROOT, name), join(directory, name));
  });

  after(async () => {
    for (const end of endings.toReversed()) await end();
    await plant.close();
    await rm(directory, { recursive: true });
  });

  const placed = (text: string) => text.replaceAll(PRESS, `${plant.press.port}`).replaceAll(BROKER, `${plant.broker.port}`);

  it('has a first mapping that works as shown, from the mistake to the messages', async () => {
    const commands: string[] = [];
    for (const { language, file, text } of steps) {
      if (language === 'yaml') await writeYaml(join(directory, file), placed(text));
      if (language !== 'console') continue;
      for (const shown of shownIn(placed(text))) {
        commands.push(shown.command);
        await follow(shown);
      }
    }
    const verbs = commands.map((command) => /fieldmarshal (\w+)|mqtt (\w+)/.exec(command)?.slice(1).find(Boolean));
    assert.deepEqual([...new Set(verbs)], ['check', 'read', 'write', 'run', 'subscribe']);
  });

  async function follow(shown: Shown): Promise<void> {
    if (shown.command.includes(' run ')) return followGateway(shown);
    if (shown.command.includes(' subscribe ')) return followMessages(shown);
    const output = await outputOf(shown.command);
    if (shown.command.includes(' read ')) assert.deepEqual(shapeOf(output), shapeOf(shown.output));
    else assert.equal(output, shown.output);
  }

  async function outputOf(command: string): Promise<string> {
    const child = spawn('sh', ['-c', `${command} 2>&1`], { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      output += part;
    });
    await exitOf(child);
    return output;
  }

  /** On a terminal, as the one who reads has it. */
  async function followGateway({ command, output }: Shown): Promise<void> {
    const terminal = spawnOnTerminal('sh', ['-c', `exec ${command}`], { cwd: directory, cols: 200, rows: 50 });
    const ended = Promise.withResolvers<void>();
    terminal.onExit(() => ended.resolve());
    endings.push(() => {
      terminal.kill('SIGTERM');
      return ended.promise;
    });
    const wanted = eventsIn(output);
    assert.ok(wanted.length >= 3);
    let log = '';
    await new Promise<void>((resolve) => {
      terminal.onData((part) => {
        log += part;
        if (eventsIn(log).length >= wanted.length) resolve();
      });
      terminal.onExit(() => resolve());
    });
    assert.deepEqual(eventsIn(log).toSorted(), wanted.toSorted());
  }

  /** Each topic that is shown, with all its keys. */
  async function followMessages({ command, output }: Shown): Promise<void> {
    const child = spawn('sh', ['-c', command], { cwd: directory, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    const exit = exitOf(child);
    endings.push(() => {
      endGroup(child);
      return exit;
    });
    const wanted = new Map(output.trim().split('\n').map(messageIn));
    const got = new Map<string, readonly string[]>();
    let rest = '';
    for await (const part of child.stdout.setEncoding('utf8')) {
      const lines = `${rest}${part}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((one) => one.includes('{'))) got.set(...messageIn(line));
      if ([...wanted.keys()].every((topic) => got.has(topic))) break;
    }
    assert.deepEqual(Object.fromEntries([...got].toSorted()), Object.fromEntries([...wanted].toSorted()));
  }

  it('links to pages that exist', async () => {
    const text = await readFile(join(ROOT, 'README.md'), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link = '']) => link);
    assert.ok(links.length > 5);
    for (const link of links) await assert.doesNotReject(readFile(join(ROOT, link)), link);
  });
});

/** The port for looking at the gateway may be taken on this machine. */
async function writeYaml(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, path.endsWith('gateway.yaml') ? `${text}operations: { port: 0 }\n` : text);
}

function shownIn(text: string): readonly Shown[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = ''] = part.split('\n', 1);
      return { command, output: part.slice(command.length + 1) };
    });
}

/** Without what changes from one read to the next: values, times, and the width of columns. */
function shapeOf(table: string): readonly string[] {
  return table
    .split('\n')
    .map((line) => line.replaceAll(/(?<![.\w])[0-9A-F]{4}(?![.\w])/g, 'XXXX').replaceAll(/(?<![\w/])-?\d[\dTZe:.+-]*/g, 'N'))
    .map((line) => line.replaceAll(/XXXX-\S+/g, 'N').replaceAll(/\s+/g, ' '));
}

function eventsIn(log: string): readonly string[] {
  return [...log.matchAll(/^[\d:.]+ (\w+ [^\r\n]*)/gm)].map(([, event = '']) => event);
}

function messageIn(line: string): [topic: string, keys: readonly string[]] {
  const start = line.indexOf('{');
  const message = JSON.parse(line.slice(start)) as { readonly values?: object };
  return [line.slice(0, start).trim(), [...Object.keys(message), ...Object.keys(message.values ?? {}).toSorted()]];
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}
