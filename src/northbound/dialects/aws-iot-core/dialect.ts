import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { GatewayError } from '../../../model/error.ts';
import type { DevicePlan, HubPlan } from '../../../model/plan.ts';
import { MESSAGE_KINDS, type Stored } from '../../../model/twin-message.ts';
import type { WallClock } from '../../../runtime/clock.ts';
import { toLimits } from '../../delivery-limits.ts';
import type { Descriptions } from '../../descriptions.ts';
import { type Dialect, type DialectContext, type Line, labelsByTwin, type Packet, shapeContext } from '../../dialect.ts';
import { createShape } from '../../shapes/index.ts';
import { jsonPacket, messagePacket } from '../mqtt/json-packet.ts';
import { encodeStatus, statusTime } from '../mqtt/status.ts';
import { fillTemplate, type TopicNames } from '../mqtt/topic-template.ts';
import { AnswerDesk, converse, isState } from './conversation.ts';
import { JobBook } from './job-book.ts';
import { Jobs } from './jobs.ts';
import { CHUNK_BYTES, MAX_CLIENT_ID_BYTES, MAX_SHADOW_NAME_LENGTH, MAX_SUBSCRIPTIONS, MESSAGES_PER_SECOND } from './limits.ts';
import { prepareProvisioned, receiverSettings } from './prepare.ts';
import { reportOf } from './reported.ts';
import { Requests, requestPacket } from './requests.ts';
import type { AwsSettings } from './settings.ts';
import { shadowName } from './shadow.ts';
import { Shadows } from './shadows.ts';
import { paced } from './throughput.ts';
import { TopicCommands } from './topic-commands.ts';
import { ingestTopic, requireTopic } from './topics.ts';
import { wireSettings } from './wire-settings.ts';
import { Wishes } from './wishes.ts';

/** Throws CONFIG_INVALID where a twin lacks a label that a topic needs, or a name does not fit AWS. */
export function createAwsDialect(plan: HubPlan, context: DialectContext): Dialect {
  const settings = plan.settings as AwsSettings;
  const { gateway } = context;
  const encoder = encoderOf(plan, context);
  const statusTopic = requireTopic(
    fillTemplate(settings.statusTopic, { ...gateway.labels, gateway: gateway.id }, plan.name),
    plan.name,
  );
  const status = (state: 'online' | 'offline', more: Readonly<Record<string, unknown>>): Packet =>
    jsonPacket(statusTopic, encodeStatus(gateway, state, more), { retain: settings.retainStatus });
  const wire = wireSettings(settings, gateway, status('offline', { reason: 'connection lost' }));
  requireNames(settings, [...encoder.names.keys()], wire.clientId, plan.name);
  const commands = new TopicCommands(settings, plan.name, encoder.names);
  if (commands.subscriptions.length > MAX_SUBSCRIPTIONS - 10)
    throw new GatewayError(
      'CONFIG_INVALID',
      plan.name,
      `\`commands.topic\` needs ${commands.subscriptions.length} subscriptions, AWS has room for ${MAX_SUBSCRIPTIONS - 10}; leave labels of twins out of it`,
    );
  const memory = memoryOf(settings, context.devices);
  const thing = { name: wire.clientId };
  const sessions = (whole: Line) => {
    const line = paced(whole);
    const desk = new AnswerDesk(line);
    const requests = new Requests(line, settings.acknowledgeTimeout);
    const shared = { line, log: context.log, requests, thing: thing.name, take: desk.take };
    const shadows = settings.shadows ? new Shadows({ ...shared, ...memory }) : undefined;
    const jobs = settings.jobs ? new Jobs({ ...shared, twins: memory.twins, book: memory.book }) : undefined;
    const death = (clock: WallClock) => status('offline', { ...statusTime(clock), reason: 'stopped' });
    const birth = (clock: WallClock) => status('online', statusTime(clock));
    return converse({ line, dialect: encoder, desk, shadows, jobs, commands, birth, death, descriptions: encoder.descriptions });
  };
  const directory = join(context.stateDirectory, 'aws-iot-core', plan.name);
  const provisioned = { settings, wire, gateway, directory, log: context.log, thing };
  const [prepare, receiver] = [prepareProvisioned(provisioned), receiverSettings(provisioned)];
  return {
    wire,
    limits: {
      messagesPerSecond: MESSAGES_PER_SECOND,
      chunkBytes: settings.limits?.chunk ?? CHUNK_BYTES,
      ...toLimits(settings.limits),
    },
    encode: encoder.encode,
    ...(settings.rule === undefined ? { messageTopics: encoder.topics } : {}),
    ...(prepare === undefined ? {} : { prepare }),
    ...(receiver === undefined ? {} : { receiverSettings: receiver }),
    converse: sessions,
  };
}

/** What a message is on the wire. */
function encoderOf(plan: HubPlan, context: DialectContext) {
  const settings = plan.settings as AwsSettings;
  const { gateway } = context;
  const names = new Map<string, TopicNames>(
    [...labelsByTwin(context)].map(([twin, one]) => [twin, { ...one, gateway: gateway.id, twin }]),
  );
  const namesOf = (twin: string): TopicNames => names.get(twin) ?? { ...gateway.labels, gateway: gateway.id, twin };
  const fill = (twin: string, kind: string) => fillTemplate(settings.topic, { ...namesOf(twin), kind }, plan.name);
  for (const twin of names.keys()) requireTopic(fill(twin, 'telemetry'), plan.name);
  const shape = createShape(settings.shape, shapeContext(context, settings.historyAfter));
  const encode = (stored: Stored, sentTimeMs: number): readonly Packet[] => {
    const { twin, kind } = stored.message;
    if (settings.shadows && isState(stored)) return [statePacket(stored, settings.thing ?? gateway.id)];
    const topic = ingestTopic(settings.rule, fill(twin, kind));
    return shape.encode(stored, sentTimeMs).map((encoded) => messagePacket(topic, encoded, twin));
  };
  const descriptions: Descriptions = {
    devices: context.devices,
    resolved: context.resolved,
    packetOf(device) {
      const description = shape.describe?.(device);
      if (description === undefined) return undefined;
      return messagePacket(fill(device.twin, 'metadata'), description, device.twin, { retain: settings.retainStatus });
    },
  };
  const topics = () => [...new Set([...names.keys()].flatMap((twin) => MESSAGE_KINDS.map((kind) => fill(twin, kind))))];
  return { names, encode, descriptions, topics };
}

/** As a shadow gets it that nothing is known of. */
function statePacket(stored: Stored, thing: string): Packet {
  const topic = `$aws/things/${thing}/shadow/name/${shadowName(stored.message.twin)}/update`;
  return requestPacket(topic, { state: { reported: reportOf(stored, { notGood: new Set() }) } });
}

/** What outlives a session. */
function memoryOf(settings: AwsSettings, devices: readonly DevicePlan[]) {
  const twins = devices.map(({ twin }) => twin);
  const isWritable = ({ points, patterns = [] }: DevicePlan) => [...points, ...patterns].some(({ write }) => write !== undefined);
  const run = randomBytes(4).toString('hex');
  let count = 0;
  return {
    twins: new Set(twins),
    writable: new Set(devices.filter(isWritable).map(({ twin }) => twin)),
    wishes: new Map(settings.shadows ? twins.map((twin) => [twin, new Wishes()] as const) : []),
    book: new JobBook(),
    nextId: () => {
      count += 1;
      return `${run}-${count}`;
    },
  };
}

function requireNames(settings: AwsSettings, twins: readonly string[], clientId: string, subject: string): void {
  const long = twins.find((twin) => twin.length > MAX_SHADOW_NAME_LENGTH);
  if (settings.shadows && long !== undefined)
    throw new GatewayError(
      'CONFIG_INVALID',
      subject,
      `the twin \`${long}\` cannot have a shadow: its name has more than ${MAX_SHADOW_NAME_LENGTH} characters; shorten it or say \`shadows: false\``,
    );
  if (Buffer.byteLength(clientId) > MAX_CLIENT_ID_BYTES || !/^[a-zA-Z0-9:_-]+$/.test(clientId))
    throw new GatewayError(
      'CONFIG_INVALID',
      subject,
      `\`${clientId}\` cannot be the name of a thing: letters, digits, \`:\`, \`_\` and \`-\`, at most ${MAX_CLIENT_ID_BYTES}; give it one by \`thing\``,
    );
}
