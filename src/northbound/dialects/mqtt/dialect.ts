import type { HubPlan } from '../../../model/plan.ts';
import { MESSAGE_KINDS, type TwinMessage } from '../../../model/twin-message.ts';
import { compressPacket } from '../../compress.ts';
import { toLimits } from '../../delivery-limits.ts';
import { type Dialect, type DialectContext, labelsByTwin, type Packet, shapeContext } from '../../dialect.ts';
import { type PlainDialect, withConversation } from '../../plain-dialect.ts';
import { createShape } from '../../shapes/index.ts';
import { decodeCommand, encodeResultBody } from './commands.ts';
import { expiryOf, withinLife } from './expiry.ts';
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
  const topicOf = ({ twin, kind }: TwinMessage) => fillTemplate(settings.topic, { ...namesOf(twin), kind }, plan.name);
  const shape = createShape(settings.shape, shapeContext(context, settings.historyAfter));
  for (const filled of names.values()) fillTemplate(settings.topic, { ...filled, kind: 'telemetry' }, plan.name);

  const status = (state: 'online' | 'offline', more: Readonly<Record<string, unknown>>): Packet =>
    jsonPacket(statusTopic, encodeStatus(gateway, state, more), { retain: settings.retain });

  return withConversation({
    limits: toLimits(settings.limits),
    messageTopics: () => [
      ...new Set(
        [...names.values()].flatMap((filled) =>
          MESSAGE_KINDS.map((kind) => fillTemplate(settings.topic, { ...filled, kind }, plan.name)),
        ),
      ),
    ],
    topicsOf: (twin) => ({
      of: (kind) => fillTemplate(settings.topic, { ...namesOf(twin), kind }, plan.name),
      ...(settings.commands === false ? {} : { command: fillTemplate(settings.commands.topic, namesOf(twin), plan.name) }),
    }),
    wire: { ...wireSettings(settings, gateway), will: status('offline', { reason: 'connection lost' }) },
    birth: (clock) => [
      status('online', statusTime(clock)),
      ...context.devices.flatMap((device) => {
        const description = shape.describe?.(device);
        if (description === undefined) return [];
        const topic = fillTemplate(settings.topic, { ...namesOf(device.twin), kind: 'metadata' }, plan.name);
        return [messagePacket(topic, description, device.twin, { retain: settings.retain })];
      }),
    ],
    death: (clock) => status('offline', { ...statusTime(clock), reason: 'stopped' }),
    encode(stored, sentTimeMs) {
      const { message } = stored;
      const topic = topicOf(message);
      const expiry = expiryOf(message, sentTimeMs, settings.expireAfter);
      return shape
        .encode(stored, sentTimeMs)
        .map((encoded) => compressPacket(messagePacket(topic, encoded, message.twin, expiry), settings.compress));
    },
    ...commandPart(settings, plan.name, names),
  });
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
      return withinLife(
        decodeCommand(packet, twin, (topic) => twinByTopic.has(topic)),
        packet,
        nowMs,
      );
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
