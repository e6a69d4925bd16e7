import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { loadMapping } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { declarations, describeDevice, dialectsOf } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import type { DevicePlan, GatewayPlan } from '../model/plan.ts';
import type { Dialect, Endpoint } from '../northbound/dialect.ts';
import { checkModel } from '../twin-model/check.ts';
import { dtdlInterface } from '../twin-model/dtdl.ts';
import type { DtdlVersion, Json } from '../twin-model/dtdl-schema.ts';
import { type TwinAddress, thingDescription } from '../twin-model/thing-description.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';

interface ModelOptions {
  readonly dtdl: '3' | '4';
  readonly wot?: boolean;
  readonly hub?: string;
  readonly out?: string;
}

export function addModelCommand(program: Command, finish: Finish): void {
  program
    .command('model')
    .description(
      'write what a mapping sends and takes as DTDL interface or WoT Thing Description, so that the cloud has its model',
    )
    .argument('<mapping>', 'mapping file; the gateway.yaml beside or above it is read, too')
    .addOption(new Option('--dtdl <version>', 'version of DTDL').choices(['3', '4']).default('3'))
    .option('--wot', 'a WoT Thing Description for each twin, with the topics of the hub; without a hub a Thing Model')
    .option('--hub <name>', 'of which hub, where there are several')
    .option('-o, --out <file>', 'write to this file instead of standard output')
    .addHelpText('after', '\nOpens nothing. Several models in one mapping become a list.')
    .action(async (mapping: string, options: ModelOptions) => finish(await model(mapping, options)));
}

async function model(mapping: string, { dtdl, wot, hub, out }: ModelOptions): Promise<ExitCode> {
  const check = (plan: GatewayPlan) =>
    plan.devices.flatMap((device) => checkModel(device, describeDevice(device, plan), wot !== true));
  const { plan, problems } = await loadMapping(mapping, declarations, { check });
  process.stderr.write(formatProblems(problems));
  if (plan === undefined) return EXIT.config;
  const interfaces = wot === true ? await thingsOf(plan, hub) : interfacesOf(plan, dtdl === '4' ? 4 : 3);
  const text = `${JSON.stringify(interfaces.length === 1 ? interfaces[0] : interfaces, null, 2)}\n`;
  if (out === undefined) process.stdout.write(text);
  else await save(out, text);
  return EXIT.ok;
}

/** One for each model; devices of one model are alike. */
function interfacesOf(plan: GatewayPlan, version: DtdlVersion): readonly Json[] {
  const byModel = new Map<string, DevicePlan>();
  for (const device of plan.devices) {
    if (device.model !== undefined && !byModel.has(device.model)) byModel.set(device.model, device);
  }
  return [...byModel].map(([id, device]) => dtdlInterface(id, device, describeDevice(device, plan), version));
}

/** One for each twin, at the hub named, or the first that has topics. */
async function thingsOf(plan: GatewayPlan, name: string | undefined): Promise<readonly Json[]> {
  const dialects = [...(await dialectsOf(plan))];
  const [, dialect] = dialects.find(([hub, one]) => (name === undefined ? one.topicsOf !== undefined : hub === name)) ?? [];
  if (name !== undefined && dialect?.topicsOf === undefined)
    throw new GatewayError('USAGE', name, 'there is no hub of this name with topics that anybody could use');
  return plan.devices.map((device) =>
    thingDescription(plan.gateway.id, device, describeDevice(device, plan), addressOf(dialect, device.twin)),
  );
}

function addressOf(dialect: Dialect | undefined, twin: string): TwinAddress | undefined {
  const topics = dialect?.topicsOf?.(twin);
  const [endpoint] = dialect?.wire.endpoints ?? [];
  if (dialect === undefined || topics === undefined || endpoint === undefined) return undefined;
  const { username, certificateFile } = dialect.wire;
  return {
    href: hrefOf(endpoint),
    security: username !== undefined ? 'basic' : certificateFile !== undefined ? 'auto' : 'nosec',
    topicOf: topics.of,
    shape: topics.shape,
    ...(topics.command === undefined ? {} : { commandTopic: topics.command }),
    ...(topics.results === undefined ? {} : { resultTopic: topics.results }),
  };
}

function hrefOf({ host, port, tls, webSocketPath }: Endpoint): string {
  const scheme = webSocketPath === undefined ? 'mqtt' : 'ws';
  return `${scheme}${tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}${webSocketPath ?? ''}`;
}

async function save(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('USAGE', file, `the model cannot be written: ${reason}`, { cause });
  }
}
