import type { Command } from 'commander';
import { formatProblems } from '../config/problem.ts';
import { loadTools } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import type { ConnectionPlan } from '../model/plan.ts';
import type { PlannedPoll, PlannedRequest, RequestPlan } from '../southbound/tools.ts';
import { type ConfigOption, configPath } from './config-path.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { loadAny } from './load-any.ts';

export function addPlanCommand(program: Command, finish: Finish): void {
  program
    .command('plan')
    .description('show the requests by which devices will be polled, what they cost, and how busy that makes each connection')
    .argument('[path]', 'a mapping; or gateway.yaml or its directory, for lines that several mappings share')
    .option('-c, --config <path>', 'the same (default: where you are)')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nOpens nothing. Only Modbus connections are polled by requests; OPC UA servers send by themselves.')
    .action(async (path: string | undefined, options: PlanOptions) => finish(await plan(configPath(path, options), options)));
}

interface PlanOptions extends ConfigOption {
  readonly json?: boolean;
}

interface PlannedConnection extends RequestPlan {
  readonly connection: string;
  readonly protocol: string;
}

async function plan(path: string, { json = false }: PlanOptions): Promise<ExitCode> {
  const loaded = await loadAny(path);
  process.stderr.write(formatProblems(loaded.problems));
  if (loaded.plan === undefined) return EXIT.config;
  const planned: PlannedConnection[] = [];
  for (const connection of loaded.plan.connections) planned.push(...(await planConnection(connection)));
  if (planned.length === 0) throw new GatewayError('USAGE', path, 'there is no connection that is polled by requests (Modbus)');
  process.stdout.write(json ? `${JSON.stringify(planned, null, 2)}\n` : planned.map(format).join('\n'));
  return EXIT.ok;
}

async function planConnection(connection: ConnectionPlan): Promise<readonly PlannedConnection[]> {
  const tools = await loadTools(connection.protocol);
  const made = tools.plan?.(connection);
  return made === undefined ? [] : [{ connection: connection.name, protocol: connection.protocol, ...made }];
}

function format({ connection, basis, polls, busyPercent }: PlannedConnection): string {
  const head = `${connection}: busy ${percent(busyPercent)} of the time (${basis})\n`;
  return `${head}${polls.map(formatPoll).join('')}`;
}

function formatPoll({ device, intervalMs, requests, busyPercent }: PlannedPoll): string {
  const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
  const ms = requests.reduce((sum, request) => sum + request.ms, 0);
  const head = `  ${device} every ${intervalMs} ms: ${requests.length} request${requests.length === 1 ? '' : 's'}`;
  return `${head}, ${bytes} bytes, ${ms.toFixed(1)} ms, ${percent(busyPercent)}\n${formatTable(requests)}`;
}

function formatTable(requests: readonly PlannedRequest[]): string {
  const header = ['unit', 'function', 'address', 'count', 'unwanted', 'bytes', 'ms', 'points'];
  const rows = requests.map((request) => [
    ...[request.unit, request.function, request.address, request.count, request.unwanted, request.bytes].map(String),
    request.ms.toFixed(1),
    namesOf(request.points),
  ]);
  const last = header.length - 1;
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `    ${row.map((cell, column) => (column === last ? cell : cell.padStart(widths[column] ?? 0))).join('  ')}\n`;
  return [header, ...rows].map(line).join('');
}

const MOST_NAMES = 8;

/** JSON has them all. */
function namesOf(points: readonly string[]): string {
  if (points.length <= MOST_NAMES) return points.join(' ');
  return `${points.slice(0, MOST_NAMES - 1).join(' ')} and ${points.length - MOST_NAMES + 1} more`;
}

function percent(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}
