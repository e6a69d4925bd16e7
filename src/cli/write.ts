import { randomUUID } from 'node:crypto';
import type { Command as Program } from 'commander';
import { type AuditEntry, auditFields } from '../commands/audit.ts';
import { createCommandRouter } from '../commands/command-router.ts';
import { openConnector } from '../gateway/plug-ins.ts';
import type { CommandResult } from '../model/command.ts';
import { GatewayError, toGatewayError } from '../model/error.ts';
import type { ConnectionPlan, DevicePlan, GatewayPlan } from '../model/plan.ts';
import { describeValue, type Value } from '../model/value.ts';

import { operators } from '../pipeline/operators/index.ts';
import { engineer, invert } from '../pipeline/pipeline.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import type { ConnectorSession } from '../southbound/connector.ts';
import { presentDevices } from '../southbound/present-devices.ts';
import { auditCommandLine, whoAsks } from './command-line-audit.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { loadOneMapping } from './load-one-mapping.ts';

const DEADLINE_MS = 30_000;

export function addWriteCommand(program: Program, finish: Finish): void {
  program
    .command('write')
    .description('write one point, through the same checks as a command from the cloud')
    .argument('<mapping>', 'a mapping file')
    .argument('<point>', 'name of the point, as `setpoint` or `press-07/setpoint`')
    .argument('<value>', 'engineering value: true, false, a number, text, or a list or structure as JSON')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, also against the device, and tell what it would be given; nothing is written')
    .action(async (mapping: string, point: string, value: string, options: WriteOptions) => {
      finish(await write(mapping, point, parseValue(value), options));
    });
}

interface WriteOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

async function write(mapping: string, point: string, value: Value, { json, dryRun }: WriteOptions): Promise<ExitCode> {
  const plan = await loadOneMapping(mapping);
  if (plan === undefined) return EXIT.config;
  const { connection, device, name } = findPoint(plan, point);
  const context = { log: silentLog, clock: systemClock, stateDirectory: plan.stateDirectory };
  const connector = await openConnector(connection, plan.gateway.id, context);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const desired = { [name]: value };
  const trial = dryRun === true ? ({ isDryRun: true } as const) : {};
  const expiresTimeMs = systemClock.nowMs() + DEADLINE_MS;
  const command = { id: randomUUID(), device, by: whoAsks(), desired, expiresTimeMs, ...trial };
  const session = await connector.open(signal).catch(async (error: unknown) => {
    const { code, message } = toGatewayError(error, connection.name);
    await auditCommandLine(context.stateDirectory, 'command', {
      command: command.id,
      device,
      status: 'failed',
      desired,
      code,
      reason: message,
    });
    throw error;
  });
  try {
    const entries: AuditEntry[] = [];
    const router = createRouter(presentDevices(connection, session), session, (entry) => void entries.push(entry));
    const result = await router.execute(command, signal);
    for (const entry of entries) await auditCommandLine(context.stateDirectory, 'command', auditFields(entry));
    process.stdout.write(json === true ? `${toJson(result)}\n` : format(device, result));
    return result.status === 'done' || result.status === 'checked' ? EXIT.ok : EXIT.failed;
  } finally {
    await session.close();
  }
}

function createRouter(devices: readonly DevicePlan[], session: ConnectorSession, audit: (entry: AuditEntry) => void) {
  return createCommandRouter({
    devices,
    invert: (point, value) => invert(operators, point, value),
    engineering: (point, reading) => engineer(operators, point, reading),
    latest: () => undefined,
    session: () => session,
    clock: systemClock,
    audit,
  });
}

interface Place {
  readonly connection: ConnectionPlan;
  readonly device: string;
  readonly name: string;
}

function findPoint(plan: GatewayPlan, wanted: string): Place {
  const places = plan.connections.flatMap((connection) =>
    connection.devices.flatMap(({ twin, points }) =>
      points.map(({ point }): Place => ({ connection, device: twin, name: point.name })),
    ),
  );
  const found = places.filter(({ device, name }) => wanted === name || wanted === `${device}/${name}`);
  const [place = placeByBrowsing(plan, wanted)] = found;
  if (place === undefined) {
    const names = [...new Set(places.map(({ name }) => name))].join(', ');
    throw new GatewayError('USAGE', wanted, `there is no such point; the mapping has ${names}`);
  }
  if (found.length <= 1) return place;
  const ids = found.map(({ device, name }) => `${device}/${name}`).join(', ');
  throw new GatewayError('USAGE', wanted, `several devices have this point; say which: ${ids}`);
}

/** What a pattern stands for only the device knows, so the router will tell. */
function placeByBrowsing(plan: GatewayPlan, wanted: string): Place | undefined {
  const places = plan.connections.flatMap((connection) =>
    connection.devices
      .filter(({ twin, patterns }) => patterns !== undefined && (wanted.startsWith(`${twin}/`) || !wanted.includes('/')))
      .map(({ twin }): Place => ({ connection, device: twin, name: wanted.split('/').at(-1) ?? '' })),
  );
  return places.length === 1 ? places[0] : undefined;
}

function parseValue(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^\s*[[{]/.test(text)) return parseCompound(text);
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return text;
  const number = Number(text);
  return /^[-+]?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

/** Text where it is no JSON. Whole numbers keep all their digits. */
function parseCompound(text: string): Value {
  try {
    return JSON.parse(text, (_key, value: unknown, { source = '' }: { readonly source?: string } = {}) =>
      typeof value === 'number' && /^-?\d+$/.test(source) && !Number.isSafeInteger(value) ? BigInt(source) : value,
    );
  } catch {
    return text;
  }
}

function toJson(result: CommandResult): string {
  return JSON.stringify(result, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2);
}

function format(device: string, result: CommandResult): string {
  const lines = Object.entries(result.points).map(([name, { status, value, deviceValue, error }]) => {
    const readBack = value === undefined ? '' : `, read back ${describeValue(value)}`;
    const given = deviceValue === undefined ? '' : `, the device would be given ${describeValue(deviceValue)}`;
    return `${device}/${name}: ${status}${readBack}${given}${error === undefined ? '' : `: ${error.message} (${error.code})`}`;
  });
  if (result.error !== undefined) lines.push(`${device}: ${result.status}: ${result.error.message} (${result.error.code})`);
  return `${lines.join('\n')}\n`;
}
