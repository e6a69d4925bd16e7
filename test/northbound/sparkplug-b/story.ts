import { rm } from 'node:fs/promises';
import type { IConnectPacket, Packet } from 'mqtt-packet';
import { firstValueFrom } from 'rxjs';
import type { HubSession } from '../../../src/northbound/hub.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { SinkBroker } from '../../support/sink-broker.ts';
import { readPayload, type WireMetric, type WirePayload, writePayload } from '../../support/sparkplug/wire.ts';
import { edge, type Field, host, hubOf, message, NEVER, T0, values } from './plant.ts';

export interface Told {
  readonly connection: number;
  readonly topic: string;
  readonly verb: string;
  readonly device: string | undefined;
  readonly qos: number;
  readonly retain: boolean;
  readonly payload: WirePayload;
}

/** What one edge node said in its life, as a broker recorded it. */
export interface Story {
  readonly protocol: '3.1.1' | 5;
  readonly packets: readonly { readonly connection: number; readonly packet: Packet }[];
  readonly connects: readonly IConnectPacket[];
  readonly told: readonly Told[];
  /** What the strict host complains of. */
  readonly violations: readonly string[];
  /** From the rebirth that was asked for to the first data after it. */
  readonly rebirth: readonly Told[];
  /** After the command was carried out. */
  readonly afterCommand: readonly Told[];
}

export function toldBy(broker: SinkBroker): readonly Told[] {
  return broker.publishes.map(({ connection, topic, qos, retain, payload }) => {
    const [, , verb = '', , device] = topic.split('/');
    return { connection, topic, verb, device, qos, retain, payload: readPayload(payload) };
  });
}

/** Every name that a birth gave an alias, and the values under that alias. */
export function namesByAlias(told: readonly Told[]): ReadonlyMap<string, string> {
  const births = told.filter(({ verb }) => verb.endsWith('BIRTH')).flatMap(({ payload }) => payload.metrics);
  return new Map(
    births.flatMap(({ name, alias }) => (alias === undefined || name === undefined ? [] : [[alias, name] as const])),
  );
}

export const RECIPE = { name: 'A', steps: { count: 3, speeds: [1.5, 2] }, done: false };

export async function tell(protocol: Story['protocol']): Promise<Story> {
  const broker = await SinkBroker.start();
  const node = await edge({ url: broker.url, protocol });
  const { field } = node;
  const hub = hubOf(node);
  field.read('press-07', 'temperature', 71.5, T0);
  field.read('press-07', 'running', true, T0);
  field.read('press-07', 'setpoint', -5, T0);
  field.read('meter-01', 'energy', 1_000.5, T0);
  const session = await hub.open(NEVER);
  await tellValues(session, field);
  await tellDeath(session, field);
  for (let count = 1; count <= 300; count += 1)
    await session.publish(values('meter-01', T0 + 30_000 + count, { energy: [[0, count]] }));
  const rebirth = await askRebirth(session, broker);
  const afterCommand = await command(session, broker);
  broker.cut();
  await session.lost;
  await session.close();
  const second = await hub.open(NEVER);
  await second.publish(values('press-07', T0 - 5_000, { temperature: [[0, 60]] }));
  await second.close();
  await broker.until(() => broker.openConnections === 0);
  const heard = host();
  for (const { topic, payload, qos, retain } of broker.publishes) heard.hear(topic, payload, { qos, retain });
  await broker.stop();
  await rm(node.stateDirectory, { recursive: true });
  const { received: packets, connects } = broker;
  return {
    protocol,
    packets,
    connects,
    told: toldBy(broker),
    violations: [...heard.violations, ...broker.violations],
    rebirth,
    afterCommand,
  };
}

async function tellValues(session: HubSession, field: Field): Promise<void> {
  const at = T0 + 1_000;
  field.read('press-07', 'recipe', RECIPE, at);
  await session.publish(
    values('press-07', at, {
      temperature: [
        [500, 71.7],
        [900, 71.8],
      ],
      parts: [[0, 2n ** 63n + 1n]],
    }),
  );
  await session.publish(
    message('press-07', { kind: 'property', startTimeMs: at, values: { running: [[0, false]], mode: [[0, 'running']] } }),
  );
  await session.publish(message('press-07', { kind: 'property', startTimeMs: at, values: { recipe: [[1_000, RECIPE]] } }));
  await session.publish(
    message('press-07', {
      kind: 'property',
      startTimeMs: at,
      values: {
        log: [
          [
            0,
            [
              { code: 1, text: 'a' },
              { code: 2, text: null },
            ],
          ],
        ],
      },
    }),
  );
  await session.publish(values('press-07', at, { temperature: [[2_000, null, 'bad', 'BadOutOfRange']] }));
  await session.publish(values('press-07', at, { temperature: [[3_000, 71.9, 'uncertain', 'UncertainLastUsableValue']] }));
  await session.publish(values('press-07', at, { temperature: [[4_000, 72]] }));
  await session.publish(values('press-07', T0 - 60_000, { temperature: [[0, 20]] }));
  const gap = { reason: 'overflow', fromSequence: 3, toSequence: 9, fromTimeMs: T0, toTimeMs: T0 + 1, messages: 7, readings: 70 };
  await session.publish(message('press-07', { kind: 'gap', gap }));
  await session.publish(message('press-07', { kind: 'event', body: { name: 'overTemperature', severity: 700 } }));
}

/** The meter cannot be reached any more, and comes back. */
async function tellDeath(session: HubSession, field: Field): Promise<void> {
  field.lose('meter-01', T0 + 10_000);
  await session.publish(values('meter-01', T0 + 10_000, { energy: [[0, null, 'bad', 'BadCommunicationError']] }));
  field.read('meter-01', 'energy', 1_001, T0 + 20_000);
  await session.publish(values('meter-01', T0 + 20_000, { energy: [[0, 1_001]] }));
}

async function askRebirth(session: HubSession, broker: SinkBroker): Promise<readonly Told[]> {
  const before = broker.publishes.length;
  const control: WireMetric = { name: 'Node Control/Rebirth', timestamp: String(T0), booleanValue: true };
  broker.send('spBv1.0/plant-a/NCMD/gw-01', writePayload({ timestamp: String(T0), metrics: [control] }), { qos: 0 });
  await broker.until(() => broker.publishes.length >= before + 3);
  await session.publish(values('meter-01', T0 + 40_000, { energy: [[0, 2]] }));
  return toldBy(broker).slice(before);
}

async function command(session: HubSession, broker: SinkBroker): Promise<readonly Told[]> {
  const alias = [...namesByAlias(toldBy(broker))].find(([, name]) => name === 'setpoint')?.[0] ?? '';
  const before = broker.publishes.length;
  const taken = firstValueFrom(session.commands);
  const metrics = [{ alias, timestamp: String(T0), intValue: 900 }];
  broker.send('spBv1.0/plant-a/DCMD/gw-01/press-07', writePayload({ timestamp: String(systemClock.nowMs()), metrics }), {
    qos: 0,
  });
  const { id, device } = await taken;
  await session.respond({ id, device, status: 'done', points: { setpoint: { status: 'written', value: 900 } } });
  return toldBy(broker).slice(before);
}
