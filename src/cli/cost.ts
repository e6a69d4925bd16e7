import type { Command } from 'commander';
import { formatProblems } from '../config/problem.ts';
import { CostBook, estimateCost, type HubCost, measureCost, type TwinCost } from '../gateway/cost.ts';
import { dialectsOf } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import type { GatewayPlan } from '../model/plan.ts';
import { silentLog } from '../runtime/log.ts';
import { type ConfigOption, configPath, takesConfig } from './config-path.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { loadAny } from './load-any.ts';
import { parseDuration } from './parse-duration.ts';

interface CostOptions extends ConfigOption {
  readonly live?: number;
  readonly json?: boolean;
}

/** By what was assumed of the values. */
type Costs = Readonly<Record<string, readonly HubCost[]>>;

export function addCostCommand(program: Command, finish: Finish): void {
  takesConfig(
    program.command('cost').description('what the hubs will get in a day: messages, bytes, and what that is of a daily quota'),
  )
    .option('--live <duration>', 'read the devices for so long, e.g. 5min, and count; nothing is sent', parseDuration)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nWithout --live the pipelines run on made-up values: once all change at every poll, once none ever does.',
    )
    .action(async (path: string | undefined, options: CostOptions) => finish(await cost(configPath(path, options), options)));
}

async function cost(path: string, { live, json }: CostOptions): Promise<ExitCode> {
  const { plan, problems } = await loadAny(path);
  process.stderr.write(formatProblems(problems));
  if (plan === undefined) return EXIT.config;
  if (plan.hubs.length === 0)
    throw new GatewayError('USAGE', path, 'there is no hub here; give a gateway.yaml, or its directory');
  const costs = live === undefined ? await estimate(plan) : await measure(plan, live);
  process.stdout.write(json === true ? `${JSON.stringify(costs, null, 2)}\n` : format(costs));
  return EXIT.ok;
}

async function estimate(plan: GatewayPlan): Promise<Costs> {
  const dialects = await dialectsOf(plan);
  const of = (change: 'always' | 'never') => {
    const book = new CostBook(plan, dialects);
    estimateCost(plan, book, change);
    return book.costs();
  };
  return { 'if every value changes at each poll': of('always'), 'if no value ever changes': of('never') };
}

async function measure(plan: GatewayPlan, forMs: number): Promise<Costs> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  process.stderr.write(`reading the devices for ${Math.round(forMs / 1_000)} s; Ctrl-C ends it earlier\n`);
  const book = new CostBook(plan, await dialectsOf(plan));
  await measureCost(plan, book, { log: silentLog, stateDirectory: plan.stateDirectory, forMs, signal: stop.signal });
  return { 'as measured': book.costs() };
}

function format(costs: Costs): string {
  return Object.entries(costs)
    .map(([assumption, hubs]) => `${assumption}, a day:\n${hubs.map(formatHub).join('')}`)
    .join('\n');
}

function formatHub({ hub, twins, messagesPerDay, chunkBytes }: HubCost): string {
  const total = twins.reduce(add, { twin: hub, messages: 0, readings: 0, bytes: 0, billed: 0 });
  const billed = chunkBytes === undefined ? '' : `, ${round(total.billed)} billed in chunks of ${chunkBytes} bytes`;
  const quota =
    messagesPerDay === undefined
      ? ''
      : `: ${((100 * total.billed) / messagesPerDay).toFixed(1)} % of the daily quota of ${messagesPerDay}`;
  return `  ${line(total)}${billed}${quota}\n${twins.map((twin) => `    ${line(twin)}\n`).join('')}`;
}

function line({ twin, messages, readings, bytes }: TwinCost): string {
  return `${twin}: ${round(messages)} messages, ${round(readings)} readings, ${(bytes / 1e6).toFixed(2)} MB`;
}

function add(sum: TwinCost, { messages, readings, bytes, billed }: TwinCost): TwinCost {
  return {
    ...sum,
    messages: sum.messages + messages,
    readings: sum.readings + readings,
    bytes: sum.bytes + bytes,
    billed: sum.billed + billed,
  };
}

function round(count: number): string {
  return Math.round(count).toLocaleString('en-US').replaceAll(',', ' ');
}
