import { join } from 'node:path';
import { type AuditEntry, auditFields } from '../commands/audit.ts';
import { createCommandRouter } from '../commands/command-router.ts';
import { type DeadManReport, watchDeadMan } from '../commands/dead-man.ts';
import { refuse } from '../commands/results.ts';
import { type OpenedSeenFile, openSeenFile } from '../commands/seen-file.ts';
import type { SettingChanges } from '../commands/settings.ts';
import type { Command, CommandResult } from '../model/command.ts';
import type { DeviceEvent } from '../model/device-event.ts';
import { GatewayError } from '../model/error.ts';
import type { DevicePlan, GatewayPlan } from '../model/plan.ts';
import type { LatestReadings } from '../pipeline/latest-readings.ts';
import { operators } from '../pipeline/operators/index.ts';
import { withDeadband } from '../pipeline/operators/send.ts';
import { engineer, invert } from '../pipeline/pipeline.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { ConnectorSession } from '../southbound/connector.ts';
import type { GatewayAudit } from './audit.ts';

export interface Commands {
  /** Watches for hubs that stay away, until the stop. */
  watchHubs(isUp: (hub: string) => boolean): void;
  execute(command: Command, signal: AbortSignal): Promise<CommandResult>;
  /** What a hub refused by itself is told, too. */
  readonly onRefused: (command: Command, result: CommandResult) => void;
  resolve(device: DevicePlan): void;
  /** Resolves when what has to be remembered is on disk, or was refused. */
  close(): Promise<void>;
}

export interface CommandsContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly latest: LatestReadings;
  readonly audit: GatewayAudit;
  readonly replay: OpenedSeenFile;
  /** Aborted when the field side stops; from then on no command is executed. */
  readonly stopping: AbortSignal;
  /** Of the connection of a device, while it is up. */
  readonly session: (twin: string) => ConnectorSession | undefined;
  readonly onEvent: (event: DeviceEvent) => void;
  /** Resolves when they hold. */
  readonly applySettings: (changes: SettingChanges) => Promise<void>;
}

/** The way back, wired: what becomes of each command goes to the log, to the audit log and to the cloud. */
export function createCommands(
  plan: GatewayPlan,
  { log, clock, latest, audit, replay, stopping, session, onEvent, applySettings }: CommandsContext,
): Commands {
  const twins = new Set(plan.devices.map(({ twin }) => twin));
  const tell = (entry: AuditEntry): void => {
    const fields = auditFields(entry);
    log.info('command answered', fields);
    const place = audit.answered(entry.result.status, fields);
    if (place === undefined || entry.isRepeated === true || !twins.has(entry.command.device)) return;
    void place.then((known) => onEvent(eventOf(entry, known)));
  };
  const router = createCommandRouter({
    replay,
    settings: { gateway: plan.cloudMayChange, withDeadband, apply: applySettings },
    devices: plan.devices,
    invert: (point, value) => invert(operators, point, value),
    engineering: (point, reading) => engineer(operators, point, reading),
    latest: (point) => latest.get(point),
    session,
    clock,
    audit: tell,
  });
  const tellRefused = (command: Command, result: CommandResult) =>
    tell({ timeMs: clock.nowMs(), durationMs: 0, command, result });
  return {
    execute: async (command, signal) => {
      if (!stopping.aborted) return router.execute(command, signal);
      const result = refuse(command, new GatewayError('COMMAND_FAILED', plan.gateway.id, 'the gateway is stopping'));
      tellRefused(command, result);
      return result;
    },
    onRefused: tellRefused,
    resolve: (device) => router.resolve(device),
    close: () => {
      router.close();
      return replay.settle();
    },
    watchHubs: (isUp) =>
      void watchDeadMan({
        devices: plan.devices,
        isUp,
        write: (device, desired, until) => router.writeOwn({ id: 'dead-man', device, desired, by: 'dead-man' }, until),
        tell: (report) => tellDeadMan(report, { log, clock, audit, onEvent }),
        clock,
        signal: stopping,
      }),
  };
}

type Told = Pick<CommandsContext, 'log' | 'clock' | 'audit' | 'onEvent'>;

/** An alarm while the safe values stand. */
const DEAD_MAN_SEVERITY = 900;

function tellDeadMan({ device, state, hubs, awayMs, result }: DeadManReport, { log, clock, audit, onEvent }: Told): void {
  const { points, error } = result ?? {};
  const body = { state, hubs, awayMs, ...(points === undefined ? {} : { points }), ...error };
  log.warn('dead man reported', { device, ...body });
  audit.tell('dead-man', { device, ...body });
  const severity = state === 'ended' ? {} : { severity: DEAD_MAN_SEVERITY };
  onEvent({ device, name: 'deadMan', sourceTimeMs: clock.nowMs(), ...severity, body });
}

/** The commands that were taken before this start. */
export async function openReplayMemory(stateDirectory: string, nowMs: number, log: Log): Promise<OpenedSeenFile> {
  const opened = await openSeenFile({
    path: join(stateDirectory, 'commands-seen.jsonl'),
    nowMs,
    onFailure: (error) => log.error('commands not remembered', { error }),
  });
  if (opened.distrustUntilTimeMs !== undefined)
    log.warn('commands before the start forgotten', { remembered: opened.seen.length });
  return opened;
}

/** What the cloud gets beside the answer, through the spool. `audit`: where the log tells it. */
function eventOf(entry: AuditEntry, audit: object | undefined): DeviceEvent {
  const { device: _, status: outcome, received: __, duration_ms: ___, ...body } = auditFields(entry);
  const { timeMs, command } = entry;
  return {
    device: command.device,
    name: 'command',
    sourceTimeMs: timeMs,
    body: { outcome, ...body, ...(audit === undefined ? {} : { audit }) },
  };
}
