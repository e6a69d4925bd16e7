import type { Command } from 'commander';
import type { Loaded } from '../config/load.ts';
import { formatProblems, type Problem } from '../config/problem.ts';
import { count } from '../model/plural.ts';
import type { ConfigOption } from './config-path.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { loadAny } from './load-any.ts';

interface CheckOptions extends ConfigOption {
  readonly json?: boolean;
}

export function addCheckCommand(program: Command, finish: Finish): void {
  program
    .command('check')
    .description('check configuration files without opening anything: everything wrong is told, with its place')
    .argument('[files...]', 'gateway.yaml, its directory, or single mappings')
    .option('-c, --config <path>', 'the same (default: where you are)')
    .option('--json', 'print the findings as JSON')
    .action(async (files: string[], options: CheckOptions) => finish(await check(filesOf(files, options), options)));
}

function filesOf(files: readonly string[], { config }: CheckOptions): readonly string[] {
  const all = config === undefined ? files : [config, ...files.filter((file) => file !== config)];
  return all.length === 0 ? ['.'] : all;
}

async function check(files: readonly string[], { json = false }: CheckOptions): Promise<ExitCode> {
  const loaded: Loaded[] = [];
  for (const file of files) loaded.push(await loadAny(file));
  const problems = withoutRepeats(loaded.flatMap((result) => result.problems));
  if (json) process.stdout.write(`${JSON.stringify(problems, null, 2)}\n`);
  else process.stderr.write(formatProblems(problems));
  if (loaded.some(({ plan }) => plan === undefined)) return EXIT.config;
  if (!json) process.stdout.write(`${loaded.map(describe).join('\n')}\n`);
  return EXIT.ok;
}

/** A gateway.yaml above several mappings is read with each of them. */
function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Map(
    problems.map((problem) => [`${problem.file}:${problem.line}:${problem.column}:${problem.message}`, problem]),
  );
  return [...seen.values()];
}

function describe({ plan }: Loaded): string {
  const devices = plan?.devices ?? [];
  const points = devices.reduce((sum, device) => sum + device.points.length, 0);
  const connections = plan?.connections.length ?? 0;
  return `ok: ${count(connections, 'connection')}, ${count(devices.length, 'device')}, ${count(points, 'point')}`;
}
