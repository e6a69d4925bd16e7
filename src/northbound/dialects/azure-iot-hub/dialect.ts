import { join } from 'node:path';
import { GatewayError } from '../../../model/error.ts';
import type { DevicePlan, HubPlan } from '../../../model/plan.ts';
import type { Stored } from '../../../model/twin-message.ts';
import { type DeliveryLimits, toLimits } from '../../delivery-limits.ts';
import { type Dialect, type DialectContext, labelsByTwin, type Packet, shapeContext, type WireSettings } from '../../dialect.ts';
import { toProxy } from '../../proxy-settings.ts';
import { createShape } from '../../shapes/index.ts';
import { encodeStatus, statusTime } from '../mqtt/status.ts';
import { billedBytes } from './billing.ts';
import { AzureConversation } from './conversation.ts';
import { DesiredBook } from './desired-book.ts';
import { Entrance } from './entrance.ts';
import { Layout } from './layout.ts';
import type { AzureSettings } from './settings.ts';
import { States } from './states.ts';
import { messagePacket, telemetryPacket } from './telemetry.ts';
import { hasTwins, tierLimits } from './tiers.ts';
import { PATCH_REPORTED } from './topics.ts';

const FAIL_BACK_AFTER_MS = 300_000;
const PORTS = { mqtt: 8883, websocket: 443 } as const;
const WEB_SOCKET_PATH = '/$iothub/websocket';
/** Device ids that topics, user names and tokens take as they are. */
const DEVICE_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Throws CONFIG_INVALID where a name of the gateway or of a twin cannot be one in the hub. */
export function createAzureDialect(plan: HubPlan, context: DialectContext): Dialect {
  const settings = plan.settings as AzureSettings;
  const { gateway, clock, log, stateDirectory } = context;
  const devices = devicesOf(plan, context.devices);
  const own = plan.twin === undefined ? undefined : devices.find(({ twin }) => twin === plan.twin);
  const wishedId = plan.twin ?? settings.deviceId ?? gateway.id;
  if (!DEVICE_ID.test(wishedId)) {
    throw new GatewayError(
      'CONFIG_INVALID',
      plan.name,
      `\`${wishedId}\` cannot be a device id: letters, digits, \`-\`, \`.\`, \`_\``,
    );
  }
  const plugAndPlay = settings.shape === 'pnp';
  const layout = new Layout({ devices, onlyTwin: plan.twin, plugAndPlay }, plan.name);
  const states = new States(layout, devices);
  const messages = createMessages(settings, { ...context, devices }, layout);
  const fileOf = (what: string) => `azure-${what}-${encodeURIComponent(plan.name)}.json`;
  const book = new DesiredBook(join(stateDirectory, fileOf('desired')), log);
  const wire = wireOf(settings, wishedId);
  const entrance = new Entrance({
    ...{ settings, clock, log, stateDirectory, wire },
    deviceId: wishedId,
    twin: plan.twin ?? '',
    modelId: settings.modelId ?? own?.model,
    fileName: fileOf('assignment'),
  });
  const status = (state: 'online' | 'offline', more: Readonly<Record<string, unknown>>): Packet => {
    const body = encodeStatus(gateway, state, more);
    const system = { '$.ct': 'application/json;charset=utf-8', '$.ce': 'utf-8' };
    return messagePacket(entrance.deviceId, system, { schema: 'gw.status/1' }, Buffer.from(JSON.stringify(body)));
  };
  let isAnnounced = false;
  return {
    wire,
    limits: limitsOf(settings, plan.share ?? 1),
    billedBytes,
    encode(stored, sentTimeMs) {
      const { kind, isHistory } = stored.message;
      const isState = kind === 'property' && isHistory !== true && settings.properties !== 'messages' && hasTwins(settings.tier);
      const patch = isState ? states.stateOf(stored, {}).patch : undefined;
      if (patch === undefined) return messages.encode(stored, sentTimeMs, entrance.deviceId);
      return [{ topic: `${PATCH_REPORTED}?$rid=0`, payload: Buffer.from(JSON.stringify(patch)), qos: 0, retain: false }];
    },
    async prepare(attempt) {
      const prepared = await entrance.prepare(attempt);
      return { ...prepared, settings: { ...prepared.settings, will: status('offline', { reason: 'connection lost' }) } };
    },
    converse(line) {
      entrance.opened();
      const { deviceId } = entrance;
      return new AzureConversation(line, {
        ...{ deviceId, layout, states, book },
        hasTwin: hasTwins(settings.tier) && (settings.commands || settings.properties !== 'messages'),
        hasCommands: settings.commands,
        properties: settings.properties,
        answerTimeoutMs: settings.acknowledgeTimeout,
        pace: { atMostEveryMs: settings.reportAtMostEvery, hurryAt: Math.max(1, settings.window / 2) },
        telemetry: (stored) => messages.encode(stored, clock.nowMs(), deviceId),
        birth() {
          if (isAnnounced) return [];
          isAnnounced = true;
          messages.forgetDescriptions();
          return [status('online', statusTime(clock))];
        },
        descriptions: { devices, resolved: context.resolved, packetOf: (device) => messages.description(device, deviceId) },
        death(isRenewal) {
          isAnnounced = isRenewal;
          return isRenewal ? undefined : status('offline', { ...statusTime(clock), reason: 'stopped' });
        },
        missingStates: (reported) =>
          settings.properties === 'messages' ? [] : states.missing(reported, (point) => context.latest(point)),
        current: (twin, name) => {
          const point = devices.find((device) => device.twin === twin)?.points.find((one) => one.point.name === name)?.point;
          return (point && context.latest(point)?.value) ?? undefined;
        },
        onFailure: (what, error) => log.warn(what, { error }),
      });
    },
  };
}

/** Those of which anything goes to this hub; only one where each twin has a hub of its own. */
function devicesOf({ name, twin }: HubPlan, devices: readonly DevicePlan[]): readonly DevicePlan[] {
  if (twin !== undefined) return devices.filter((device) => device.twin === twin);
  return devices.filter(({ hubs }) => Object.values(hubs).some((names) => names.includes(name)));
}

function createMessages(settings: AzureSettings, context: DialectContext, layout: Layout) {
  const labels = labelsByTwin(context);
  const shapes = shapeContext(context, settings.historyAfter);
  const shape = createShape(settings.shape, shapes);
  const told = new Map<string, string>();
  const options = {
    gateway: context.gateway.id,
    compress: settings.compress,
    labelsOf: (twin: string) => labels.get(twin) ?? context.gateway.labels,
    componentOf: (twin: string) => (layout.plugAndPlay ? layout.section(twin) : undefined),
  };
  return {
    encode: (stored: Stored, sentTimeMs: number, deviceId: string): readonly Packet[] =>
      shape.encode(stored, sentTimeMs).map((encoded, number) => telemetryPacket(encoded, stored, number, deviceId, options)),
    /** What a receiver has to know of a twin; nothing is retained, so it is told at each start, and not again while it stays the same. */
    description(device: DevicePlan, deviceId: string): Packet | undefined {
      const { payload, contentType, properties } = shape.describe?.(device) ?? {};
      if (payload === undefined || told.get(device.twin) === payload) return undefined;
      told.set(device.twin, payload);
      const system = { '$.ct': contentType ?? '', '$.ce': 'utf-8' };
      return messagePacket(deviceId, system, { ...properties, twinId: device.twin }, Buffer.from(payload));
    },
    forgetDescriptions: () => told.clear(),
  };
}

function limitsOf({ tier, units, limits }: AzureSettings, share: number): DeliveryLimits {
  return { ...tierLimits(tier, units, share), ...toLimits(limits) };
}

function wireOf(settings: AzureSettings, clientId: string): WireSettings {
  const { host, provisioning, transport, port, ca, pin } = settings;
  const transports = typeof transport === 'string' ? [transport] : transport;
  return {
    endpoints: transports.map((name) => ({
      host: host ?? provisioning?.host ?? '',
      port: port ?? PORTS[name],
      tls: true,
      ...(name === 'websocket' ? { webSocketPath: WEB_SOCKET_PATH } : {}),
    })),
    failBackAfterMs: FAIL_BACK_AFTER_MS,
    protocolVersion: 4,
    clientId,
    ...(ca === undefined ? {} : { caFile: ca }),
    // Of the hub only: the provisioning service is another server.
    ...(pin === undefined || host === undefined ? {} : { pins: pin }),
    ...toProxy(settings.proxy),
    keepAliveMs: settings.keepAlive,
    connectTimeoutMs: settings.connectTimeout,
    acknowledgeTimeoutMs: settings.acknowledgeTimeout,
    window: settings.window,
  };
}
