import type { HubPlan } from '../../../model/plan.ts';
import { MESSAGE_KINDS } from '../../../model/twin-message.ts';
import { decodeCommand, lifeOf } from '../../command-document.ts';
import { compressPacket } from '../../compress.ts';
import { toLimits } from '../../delivery-limits.ts';
import { type Dialect, type DialectContext, labelsByTwin, type Packet, shapeContext } from '../../dialect.ts';
import { type PlainDialect, withConversation } from '../../plain-dialect.ts';
import { encodeResultBody } from '../../result-document.ts';
import { createShape } from '../../shapes/index.ts';
import { expiryOf } from './expiry.ts';
import { jsonPacket, messagePacket } from './json-packet.ts';
import type { MqttSettings } from './settings.ts';
import { encodeStatus, statusTime } from './status.ts';
import { fillTemplate, type TopicNames } from './topic-template.ts';
import { wireSettings } from './wire-settings.ts';

/** Throws CONFIG_INVALID where a twin lacks a label that a topic needs. */
export function createMqttDialect(plan: HubPlan, context: DialectContext): PlainDialect & Dialect {
  const settings = plan.settings as MqttSettings;
  const { gateway } = context;
  const twins = labelsByTwin(context);
  const statusTopic = fillTemplate(settings.statusTopic, { ...gateway.labels, gateway: gateway.id }, plan.name);
  const names = new Map([...twins].map(([twin, labels]) => [twin, { ...labels, gateway: gateway.id, twin }]));
  const namesOf = (twin: string): TopicNames => names.get(twin) ?? { ...gateway.labels, gateway: gateway.id, twin };
  const topicOf = filledOnce((twin, kind) => fillTemplate(settings.topic, { ...namesOf(twin), kind }, plan.name));
  const shape = createShape(settings.shape, shapeContext(context, settings.historyAfter));
  for (const twin of names.keys()) topicOf(twin, 'telemetry');

  const status = (state: 'online' | 'offline', more: Readonly<Record<string, unknown>>): Packet =>
    jsonPacket(statusTopic, encodeStatus(gateway, state, more), { retain: settings.retain });

  return withConversation({
    limits: toLimits(settings.limits),
    messageTopics: () => [...new Set([...names.keys()].flatMap((twin) => MESSAGE_KINDS.map((kind) => topicOf(twin, kind))))],
    topicsOf: (twin) => ({
      of: (kind) => topicOf(twin, kind),
      shape: typeof settings.shape === 'string' ? settings.shape : Object.keys(settings.shape).join(),
      ...(settings.commands === false
        ? {}
        : {
            command: fillTemplate(settings.commands.topic, namesOf(twin), plan.name),
            results: fillTemplate(settings.commands.results, namesOf(twin), plan.name),
          }),
    }),
    wire: { ...wireSettings(settings, gateway), will: status('offline', { reason: 'connection lost' }) },
    birth: (clock) => [status('online', statusTime(clock))],
    descriptions: {
      devices: context.devices,
      resolved: context.resolved,
      packetOf(device) {
        const description = shape.describe?.(device);
        if (description === undefined) return undefined;
        return messagePacket(topicOf(device.twin, 'metadata'), description, device.twin, { retain: settings.retain });
      },
    },
    death: (clock) => status('offline', { ...statusTime(clock), reason: 'stopped' }),
    encode(stored, sentTimeMs) {
      const { message } = stored;
      const topic = topicOf(message.twin, message.kind);
      const expiry = expiryOf(message, sentTimeMs, settings.expireAfter);
      return shape
        .encode(stored, sentTimeMs)
        .map((encoded) => compressPacket(messagePacket(topic, encoded, message.twin, expiry), settings.compress));
    },
    ...commandPart(settings, plan.name, names),
  });
}

/** Bounded: there are as many twins as devices, and a handful of kinds. */
function filledOnce(fill: (twin: string, kind: string) => string): (twin: string, kind: string) => string {
  const byKind = new Map<string, Map<string, string>>();
  return (twin, kind) => {
    const byTwin = byKind.get(kind) ?? new Map<string, string>();
    const topic = byTwin.get(twin) ?? fill(twin, kind);
    byKind.set(kind, byTwin.set(twin, topic));
    return topic;
  };
}

type CommandPart = Pick<PlainDialect, 'subscriptions' | 'decode' | 'encodeResult' | 'encodeRefusal'>;

function commandPart({ commands }: MqttSettings, subject: string, names: ReadonlyMap<string, TopicNames>): CommandPart {
  const template = commands === false ? undefined : commands;
  const twinByTopic = new Map(
    template === undefined ? [] : [...names].map(([twin, filled]) => [fillTemplate(template.topic, filled, subject), twin]),
  );
  const resultTopics = new Map(
    template === undefined ? [] : [...names].map(([twin, filled]) => [twin, fillTemplate(template.results, filled, subject)]),
  );
  const results = (twin: string) => resultTopics.get(twin) ?? '';
  return {
    subscriptions: [...twinByTopic.keys()],
    decode(packet, nowMs) {
      const twin = twinByTopic.get(packet.topic);
      if (twin === undefined) return undefined;
      return decodeCommand(packet, twin, { envelope: lifeOf(packet, nowMs), isOurs: (topic) => twinByTopic.has(topic) });
    },
    encodeResult(result) {
      const { replyTo, device } = result;
      const body = encodeResultBody(result);
      const { correlationData } = replyTo ?? {};
      return jsonPacket(replyTo?.topic ?? results(device), body, correlationData === undefined ? {} : { correlationData });
    },
    encodeRefusal(packet, { code, message }) {
      const twin = twinByTopic.get(packet.topic);
      if (twin === undefined) return undefined;
      const { correlationData } = packet;
      const body = { schema: 'gw.result/1', twin, status: 'refused', error: { code, message } };
      return jsonPacket(results(twin), body, correlationData === undefined ? {} : { correlationData });
    },
  };
}
