import { count } from '../model/plural.ts';
import type { ConnectionStatus, DeviceStatus, GatewayStatus, HubStatus, LinkStatus, PointStatus } from '../model/status.ts';
import { escapeControls, pad } from './display-text.ts';
import { formatAge, formatBytes } from './live-view.ts';

/** What a gateway answered. */
export interface Look {
  readonly status: GatewayStatus;
  readonly health: { readonly status: string; readonly reasons: readonly string[]; readonly remarks?: readonly string[] };
}

const MOST_BAD_POINTS = 20;
const EXPIRES_SOON_MS = 14 * 86_400_000;
/** Before that nothing is known of a pace. */
const PACE_AFTER_MS = 60_000;
/** What the spool counts of messages that a hub will not get. */
const LOSSES = {
  dropped_messages: 'made room for others, or found none',
  expired_messages: 'waited longer than `spool.maxAge`',
  thinned_messages: 'thinned out',
  damaged_messages: 'damaged on disk',
  rejected_messages: 'rejected by a hub',
} as const;

/** What needs a person, one line each; empty where all is well. */
export function illsOf({ status, health }: Look): readonly string[] {
  const { hubs, connections, spool, audit, clock, nowMs } = status;
  const devices = connections.flatMap((connection) => connection.devices);
  return [
    ...health.reasons.map((reason) => `health: ${reason}`),
    ...hubs.flatMap((hub) => hubIlls(hub, nowMs)),
    ...connections
      .filter(({ link }) => link.state !== 'up')
      .map(({ name, link }) => `connection ${name}: ${downText(link, nowMs)}`),
    ...connections.flatMap(({ name, expiries = {} }) => expiryIlls(`connection ${name}`, expiries, nowMs)),
    ...connections
      .filter(({ link }) => link.state === 'up')
      .flatMap((connection) =>
        connection.devices.filter(({ state }) => state !== 'up').map(({ twin, state }) => `device ${twin}: ${state}`),
      ),
    ...devices.filter(({ state }) => state === 'up').flatMap((device) => pointIlls(device)),
    ...(spool.state === 'ok' ? [] : [`spool: ${spool.error ?? spool.state}`]),
    ...(spool.isDiskLow ? ['spool: little is free on its disk, it does not grow'] : []),
    ...(audit === undefined || audit.state === 'ok' ? [] : [`audit: ${audit.error ?? audit.state}`]),
    ...(clock.state === 'known' ? [] : ['clock: not known to be right']),
  ].map(escapeControls);
}

/** One page for a person at a console. */
export function renderStatus(look: Look, ills: readonly string[]): string {
  const { status, health } = look;
  const { gateway, version, startedTimeMs, nowMs, connections, hubs } = status;
  const lines = [
    `${gateway}  Fieldmarshal ${version}, running ${formatAge(nowMs - startedTimeMs)}, since ${timeText(startedTimeMs)}`,
    ills.length === 0
      ? 'all is well'
      : `NOT WELL: ${ills.length === 1 ? 'one thing needs' : `${ills.length} things need`} a look`,
    ...ills.map((ill) => `  ! ${ill}`),
    ...(health.remarks ?? []).map((remark) => `  ${remark}`),
    '',
    'hubs',
    ...(hubs.length === 0 ? ['  none'] : hubs.flatMap((hub) => hubLines(hub, nowMs))),
    '',
    'connections and devices',
    ...(connections.length === 0 ? ['  none'] : connections.flatMap((connection) => connectionLines(connection, nowMs))),
    '',
    'spool',
    ...spoolLines(status),
    '',
    'declared since the start: lost, or never measured',
    ...lossLines(status),
    '',
    'clock',
    `  ${clockText(status)}`,
  ];
  return `${lines.map((line) => escapeControls(line).trimEnd()).join('\n')}\n`;
}

function hubIlls({ name, link, forbidden, heldBack = 0, expiries = {} }: HubStatus, nowMs: number): readonly string[] {
  return [
    ...(link.state === 'up' ? [] : [`hub ${name}: ${downText(link, nowMs)}`]),
    ...(forbidden === undefined
      ? []
      : [`hub ${name}: takes no messages since ${timeText(forbidden.sinceTimeMs)}: ${forbidden.message}`]),
    ...(heldBack === 0 ? [] : [`hub ${name}: hangs up at ${count(heldBack, 'message')}, tried again now and then`]),
    ...expiryIlls(`hub ${name}`, expiries, nowMs),
  ];
}

function expiryIlls(what: string, expiries: Readonly<Record<string, number>>, nowMs: number): readonly string[] {
  return Object.entries(expiries)
    .filter(([, atMs]) => atMs < nowMs + EXPIRES_SOON_MS)
    .map(([whose, atMs]) => `${what}: certificate (${whose}) ${atMs < nowMs ? 'expired' : 'expires'} ${timeText(atMs)}`);
}

function pointIlls({ twin, points }: DeviceStatus): readonly string[] {
  const bad = points.filter(isBad);
  return bad.length === 0 ? [] : [`device ${twin}: ${count(bad.length, 'point')} of ${points.length} bad`];
}

function hubLines(
  { name, endpoint, link, waitingMessages, oldestTimeMs, forbidden, counters, quota }: HubStatus,
  nowMs: number,
): readonly string[] {
  const oldest = oldestTimeMs === undefined || waitingMessages === 0 ? '' : `, the oldest ${formatAge(nowMs - oldestTimeMs)} old`;
  return [
    `  ${pad(name, 20)}  ${linkText(link, nowMs)}  ${endpoint}`,
    ...errorLines(link),
    ...(forbidden === undefined ? [] : [`    ${forbidden.code}: ${forbidden.message}`, `    ${forbidden.action}`]),
    `    ${count(waitingMessages, 'message')} waiting${oldest}; ${count(counters.acknowledged_messages ?? 0, 'message')} delivered since the start`,
    ...(quota === undefined
      ? []
      : [
          `    ${quota.usedToday} of ${quota.messagesPerDay} messages of today${quota.endsTimeMs === undefined ? '' : `; used up at ${timeText(quota.endsTimeMs)} at this pace`}`,
        ]),
  ];
}

function connectionLines({ name, protocol, link, devices }: ConnectionStatus, nowMs: number): readonly string[] {
  return [
    `  ${pad(name, 32)}  ${linkText(link, nowMs)}  ${protocol}`,
    ...errorLines(link),
    ...devices.flatMap((device) => deviceLines(device, link, nowMs)),
  ];
}

function deviceLines({ twin, state, error, points }: DeviceStatus, link: LinkStatus, nowMs: number): readonly string[] {
  const bad = points.filter(isBad);
  const unread = points.filter(({ quality }) => quality === undefined).length;
  const numbers = `${count(points.length, 'point')}${bad.length === 0 ? '' : `, ${bad.length} bad`}${unread === 0 ? '' : `, ${unread} not read yet`}`;
  const why =
    error === undefined || link.state !== 'up' ? [] : [`      ${error.code}: ${error.message}`, `      ${error.action}`];
  // Of a device that is down each point says the same.
  const shown = state === 'up' ? bad.slice(0, MOST_BAD_POINTS) : [];
  const rest = state === 'up' ? bad.length - shown.length : 0;
  return [
    `    ${pad(twin, 30)}  ${state === 'up' ? 'up' : state.toUpperCase()}  ${numbers}`,
    ...why,
    ...shown.map(
      ({ name, status = 'no reason told', sourceTimeMs }) =>
        `      bad: ${name}  ${status}${sourceTimeMs === undefined ? '' : `, ${formatAge(nowMs - sourceTimeMs)} ago`}`,
    ),
    ...(rest === 0 ? [] : [`      … and ${rest} more`]),
  ];
}

function spoolLines({ spool, nowMs, startedTimeMs }: GatewayStatus): readonly string[] {
  const { state, isDiskLow, bytes, maxBytes, diskRoomBytes, error } = spool;
  const ageMs = nowMs - startedTimeMs;
  const forecast = (room: number, counters: Readonly<Record<string, number>>) => {
    const perMs = (counters.committed_bytes ?? 0) / ageMs;
    return perMs > 0 && ageMs >= PACE_AFTER_MS
      ? `; full in ${formatSpan(Math.max(0, room) / perMs)} at the pace since the start, if no hub takes anything`
      : '';
  };
  const disk =
    diskRoomBytes === undefined
      ? []
      : [
          `  disk: room for ${formatBytes(diskRoomBytes)} beyond \`spool.keepFree\`${isDiskLow ? ': THE SPOOL DOES NOT GROW' : forecast(diskRoomBytes, spool.counters)}`,
        ];
  return [
    `  ${state === 'ok' ? 'ok' : 'DEGRADED'}, ${formatBytes(bytes)} of ${formatBytes(maxBytes)}`,
    ...(error === undefined ? [] : [`  ${error}`]),
    ...disk,
    ...Object.entries(spool.classes).map(
      ([name, { bytes: used, maxBytes: most, counters }]) =>
        `  ${pad(name, 10)} ${pad(formatBytes(used), 10, 'right')} of ${pad(formatBytes(most), 10)}${forecast(most - used, counters)}`,
    ),
  ];
}

function lossLines({ spool, connections, audit }: GatewayStatus): readonly string[] {
  const ofSpool = Object.entries(LOSSES).flatMap(([name, what]) => {
    const lost = spool.counters[name] ?? 0;
    return lost === 0 ? [] : [`  ${count(lost, 'message')}: ${what}`];
  });
  const ofDevices = connections
    .flatMap(({ devices }) => devices)
    .flatMap(({ twin, unmeasured = {}, failures = 0 }) => [
      ...Object.entries(unmeasured).map(
        ([reason, { records, readings }]) =>
          `  ${twin}: ${reason}, ${count(records, 'gap record')}, ${readings === 0 ? 'readings not known' : count(readings, 'reading')}`,
      ),
      ...(failures === 0 ? [] : [`  ${twin}: ${count(failures, 'fault')} of its pipeline: a bug, see the log`]),
    ]);
  const ofAudit = (audit?.lost ?? 0) === 0 ? [] : [`  audit: ${audit?.lost} lines not written`];
  const all = [...ofSpool, ...ofDevices, ...ofAudit];
  return all.length === 0 ? ['  nothing'] : all;
}

function downText({ downSinceMs }: LinkStatus, nowMs: number): string {
  return downSinceMs === undefined ? 'down' : `down for ${formatAge(nowMs - downSinceMs)}`;
}

function linkText({ state, sinceMs, downSinceMs, retryAtMs }: LinkStatus, nowMs: number): string {
  if (state === 'up') return `up ${sinceMs === undefined ? '' : `${formatAge(nowMs - sinceMs)}`}`.trimEnd();
  const since = downSinceMs === undefined ? '' : ` for ${formatAge(nowMs - downSinceMs)}, since ${timeText(downSinceMs)}`;
  const next = retryAtMs === undefined ? '' : `, tried again in ${formatAge(retryAtMs - nowMs)}`;
  return `DOWN${since}${next}`;
}

function errorLines({ error }: LinkStatus): readonly string[] {
  return error === undefined ? [] : [`    ${error.code}: ${error.message}`, `    ${error.action}`];
}

function isBad({ quality }: PointStatus): boolean {
  return quality === 'bad';
}

function clockText({ clock: { state, steps }, nowMs }: GatewayStatus): string {
  const times = steps === 0 ? 'never set' : `set ${steps === 1 ? 'once' : `${steps} times`}`;
  return `${state === 'known' ? 'known to be right' : 'NOT known to be right'}, ${timeText(nowMs)}; ${times} by more than a second since the start`;
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function formatSpan(ms: number): string {
  const days = ms / 86_400_000;
  if (days >= 730) return 'years';
  return days >= 2 ? `${Math.floor(days)} days` : formatAge(ms);
}
