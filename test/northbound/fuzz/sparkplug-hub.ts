import { SinkBroker } from '../../support/sink-broker.ts';
import { StrictHost } from '../../support/sparkplug/host.ts';
import { type WireMetric, writePayload } from '../../support/sparkplug/wire.ts';
import { type HostileHub, TWIN } from './hostile-hub.ts';
import { below, noise, pick, pickWeighted, type Random, spoilt } from './random.ts';

const DCMD = `spBv1.0/plant-a/DCMD/gw-01/${TWIN}`;
const NCMD = 'spBv1.0/plant-a/NCMD/gw-01';
const ELSEWHERE = [`${DCMD}/x`, `${NCMD}/x`, 'spBv1.0/plant-a/DCMD/gw-01/press-99', 'spBv1.0/STATE/scada', 'STATE/scada', '/'];

export async function startSparkplugHub(): Promise<HostileHub> {
  const host = new StrictHost('plant-a', 'gw-01');
  const hears = {
    publish: (_: unknown, { topic, payload, qos, retain }: Heard) => void host.hear(topic, payload, { qos, retain }),
  };
  const broker = await SinkBroker.start({ service: hears });
  return {
    settings: { dialect: 'sparkplug-b', url: broker.url, group: 'plant-a', rebirthAtMostEvery: '500 ms' },
    isListenedTo: () => host.devices.get(TWIN)?.isOnline === true,
    attack(random, index) {
      const topic = pickWeighted(random, [
        [8, DCMD],
        [2, NCMD],
        [1, pick(random, ELSEWHERE)],
      ] as const);
      const payload = pickWeighted<() => Buffer>(random, [
        [3, () => whole(random, index)],
        [6, () => spoilt(whole(random, index), random)],
        [2, () => noise(random, below(random, 200))],
        [1, () => pick(random, NESTED)],
        [1, () => Buffer.alloc(66_000)],
      ])();
      broker.send(topic, payload, { qos: 0, retain: random() < 0.05 });
      return 'command';
    },
    order: (id) => broker.send(DCMD, command([{ name: 'speed', datatype: 6, intValue: 900 }], id), { qos: 0 }),
    ownNews: 0,
    get faults() {
      return [...broker.violations, ...host.violations];
    },
    get connections() {
      return broker.connects.length;
    },
    forget() {
      broker.forget();
      for (const list of [host.heard, host.uuids]) list.length = 0;
      host.samples.clear();
    },
    stop: () => broker.stop(),
  };
}

type Heard = SinkBroker['publishes'][number];

function command(metrics: readonly WireMetric[], uuid?: string): Buffer {
  return writePayload({ timestamp: String(Date.now()), metrics, ...(uuid === undefined ? {} : { uuid }) });
}

function whole(random: Random, index: number): Buffer {
  return command(pick(random, METRICS)(random), pick(random, [`f${index}`, undefined, '', 'x'.repeat(200)]));
}

const METRICS: readonly ((random: Random) => readonly WireMetric[])[] = [
  () => [{ name: 'speed', datatype: 6, intValue: 900 }],
  (random) => [{ alias: String(below(random, 12)), intValue: 900 }],
  () => [{ name: 'stop', datatype: 11, booleanValue: false }],
  () => [{ name: 'speed', stringValue: '900' }],
  () => [{ name: 'speed', isNull: true }],
  () => [
    { name: 'speed', intValue: 1 },
    { name: 'speed', intValue: 2 },
  ],
  () => [{ name: '__proto__', intValue: 1 }],
  (random) => [{ name: `p${below(random, 1_000)}`, datatype: pick(random, [3, 99, 0]), intValue: 4_294_967_295 }],
  () => [{ name: 'Node Control/Rebirth', datatype: 11, booleanValue: true }],
  () => [{ name: 'Node Control/Reboot', datatype: 11, booleanValue: true }],
  () => [],
  () => Array.from({ length: 1_100 }, (_, at) => ({ name: `p${at}`, datatype: 3, intValue: at })),
  () => [{ name: 'speed', templateValue: { metrics: [{ name: 'x', intValue: 1 }], templateRef: 'none' } }],
];

/** A template in a template in a template. */
function nested(depth: number): Buffer {
  let inner = Buffer.from([0x0a, 0x01, 0x78]);
  for (let level = 0; level < depth; level += 1) inner = field(2, field(18, inner));
  return field(2, inner);
}

const NESTED = [1, 20, 400, 4_000].map(nested);

function field(number: number, bytes: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left >>>= 7) {
    bytes.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
    if (left <= 0x7f) return Buffer.from(bytes);
  }
}
