import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const SCRIPT_HEAD = `
import { endOnBugs, stopSignal } from ${JSON.stringify(new URL('../../src/runtime/process-guard.ts', import.meta.url).href)};
import { createLog } from ${JSON.stringify(new URL('../../src/runtime/log.ts', import.meta.url).href)};
const log = createLog({ level: 'info', format: 'json', destination: process.stdout });
endOnBugs(log);
const stop = stopSignal(log);
const life = setInterval(() => {}, 1_000);
`;

const children: ChildProcess[] = [];

function run(script: string): {
  child: ChildProcess;
  output: () => string;
  until: (text: string) => Promise<void>;
  ended: Promise<number>;
} {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', SCRIPT_HEAD + script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
  });
  const until = async (text: string) => {
    while (!output.includes(text)) await once(child.stdout ?? child, 'data');
  };
  const ended = once(child, 'close').then(([code]) => Number(code));
  return { child, output: () => output, until, ended };
}

describe('process guard', () => {
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  for (const [what, script] of [
    ['an exception that nobody caught', "setTimeout(() => { throw new Error('broken wire'); }, 1);"],
    ['a rejection that nobody handled', "Promise.reject(new Error('broken wire'));"],
    [
      'an error event that nobody listens to',
      "(await import('node:events')).EventEmitter.prototype.emit.call(new (await import('node:events')).EventEmitter(), 'error', new Error('broken wire'));",
    ],
  ] as const) {
    it(`logs ${what} with its stack and ends with 70`, async () => {
      const { output, ended } = run(script);
      assert.equal(await ended, 70);
      const line = JSON.parse(output().trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
      assert.deepEqual([line.msg, line.code, line.reason], ['bug found', 'BUG', 'broken wire']);
      assert.match(JSON.stringify(line.error), /at /);
    });
  }

  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    it(`begins the drain at ${name} and lets it end the process`, async () => {
      const { child, until, ended } = run(
        "stop.addEventListener('abort', () => { console.log('drained'); clearInterval(life); }); console.log('started');",
      );
      await until('started');
      child.kill(name);
      assert.equal(await ended, 0);
      await until('drained');
    });
  }

  it('ends at once at the second signal', async () => {
    const { child, until, ended } = run("console.log('started');");
    await until('started');
    child.kill('SIGTERM');
    await until('stop requested');
    child.kill('SIGTERM');
    assert.equal(await ended, 143);
  });
});
