import { readFile } from 'node:fs/promises';
import { IotHub } from '../../support/azure/iot-hub.ts';
import { KEY } from '../../support/azure/plant.ts';
import { createAuthority, readCertificate } from '../../support/certificates.ts';
import { commandBody } from './command-bodies.ts';
import { type HostileHub, TWIN } from './hostile-hub.ts';
import { below, pick, pickWeighted, type Random, spoilt } from './random.ts';

const DEVICE = 'gw-01';
const METHODS = '$iothub/methods/POST';
const DEVICE_BOUND = `devices/${DEVICE}/messages/devicebound/`;

interface Sent {
  readonly topic: string;
  readonly payload: Buffer;
}

type Make = (random: Random, id: string) => Sent;

export async function startAzureHub(): Promise<HostileHub> {
  const authority = await createAuthority();
  const hub = await IotHub.start({ address: '127.0.0.1', tls: await readCertificate(await authority.issue('localhost')) });
  const { twin } = hub.register(DEVICE, { keys: [KEY] });
  const settings = { dialect: 'azure-iot-hub', host: '127.0.0.1', port: hub.port, ca: 'ca.crt', tier: 'S3' };
  return {
    settings: { ...settings, auth: { key: '!secret hub-key' }, reportAtMostEvery: '10 ms' },
    files: { 'ca.crt': await readFile(authority.ca), 'secrets/hub-key': KEY },
    isListenedTo: () => hub.messages.length > 0,
    attack(random, index) {
      const [kind, make] = pickWeighted<readonly [Kind, Make]>(random, [
        [5, ['command', pick(random, COMMANDS)]],
        [1, ['command', pick(random, ELSEWHERE)]],
        [1, ['news', pick(random, ANSWERS)]],
        [1, ['news', wish]],
      ]);
      const { topic, payload } = make(random, `f${index}`);
      hub.sendRaw(random() < 0.2 ? spoiltTopic(topic, random) : topic, random() < 0.2 ? spoilt(payload, random) : payload);
      return kind;
    },
    order: (id) => void hub.invoke(DEVICE, `${TWIN}*gw.command`, { id, desired: { speed: 900 } }).catch(() => {}),
    get ownNews() {
      return hub.twinAnswers;
    },
    /** A change of several desired properties is a command for each. */
    packetOf: (id) => /^desired:\d+/.exec(id)?.[0] ?? id,
    get faults() {
      return [...hub.violations, ...hub.refusals].filter((fault) => !fault.startsWith('an answer to nothing'));
    },
    get connections() {
      return hub.connects.length;
    },
    forget() {
      hub.telemetry.length = 0;
      for (const fault of hub.violations.splice(0)) if (!fault.startsWith('an answer to nothing')) hub.violations.push(fault);
    },
    async stop() {
      await hub.stop();
      await authority.remove();
    },
  };

  /** The hub knows of it, as it does of every wish. */
  function wish(random: Random): Sent {
    twin.desiredVersion += 1;
    const wishes = pick(random, WISHES)(random);
    const payload = Buffer.from(JSON.stringify({ ...wishes, $version: twin.desiredVersion }));
    return { topic: `$iothub/twin/PATCH/properties/desired/?$version=${twin.desiredVersion}`, payload };
  }
}

type Kind = ReturnType<HostileHub['attack']>;

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

const COMMANDS: readonly Make[] = [
  (random, id) => ({ topic: `${METHODS}/${TWIN}*gw.command/?$rid=${id}`, payload: commandBody(random, id) }),
  (random, id) => ({
    topic: `${METHODS}/${pick(random, ['gw.command', 'press-99*gw.command', '*', `${TWIN}*`, 'press-07*__proto__', '%'])}/?$rid=${id}`,
    payload: commandBody(random, id),
  }),
  (random, id) => ({
    topic: `${METHODS}/${TWIN}*start/?$rid=${pick(random, [id, '%', 'a/b', '#', 'x'.repeat(500), '', `${id}&$rid=2`])}`,
    payload: json(pick(random, [{}, { program: 7 }, [1], null, { a: { b: { c: [[[[[[[1]]]]]]] } } }])),
  }),
  (random, id) => ({ topic: DEVICE_BOUND + pick(random, BAGS)(id), payload: commandBody(random, id) }),
  (_, id) => ({ topic: `${METHODS}/${TWIN}*gw.command/?$rid=${id}`, payload: Buffer.alloc(140_000, 0x20) }),
];

const BAGS: readonly ((id: string) => string)[] = [
  (id) => `%24.mid=${id}&twinId=${TWIN}&%24.exp=2100-01-01T00%3A00%3A00Z`,
  (id) => `%24.mid=${id}`,
  () => `twinId=press-99&%24.exp=now`,
  () => '%24.mid&twinId&%24.exp',
  () => '%',
  () => '=&=&=&__proto__=1&constructor=2',
  () => `a=${'x'.repeat(4_000)}`,
];

const ELSEWHERE: readonly Make[] = [
  (random, id) => ({ topic: 'a/'.repeat(1 + below(random, 400)), payload: commandBody(random, id) }),
  (random, id) => ({ topic: 'devices/gw-02/messages/devicebound/', payload: commandBody(random, id) }),
  (random, id) => ({ topic: '$iothub/methods/POST/', payload: commandBody(random, id) }),
];

const ANSWERS: readonly Make[] = [
  (random) => ({ topic: `$iothub/twin/res/200/?$rid=${below(random, 50)}x`, payload: json({ desired: {}, reported: {} }) }),
  () => ({ topic: '$iothub/twin/res/204/?$rid=__proto__&$version=7', payload: Buffer.alloc(0) }),
  () => ({ topic: '$iothub/twin/res/999/?', payload: Buffer.alloc(300_000, 0x5b) }),
];

/** Names of one kind in each, so that a packet is either commands or refused. */
const WISHES: readonly ((random: Random) => object)[] = [
  (random) => ({ [TWIN]: { speed: below(random, 2_000) } }),
  (random) => ({ [TWIN]: { speed: 900, stop: false, [`p${below(random, 1_000)}`]: 'x'.repeat(below(random, 2_000)) } }),
  () => ({ [TWIN]: { speed: { deep: { deep: { deep: [1, [2], null] } } } } }),
  (random) => ({ [TWIN]: Object.fromEntries(Array.from({ length: below(random, 20) }, (_, at) => [`q${at}`, at])) }),
  () => ({ [TWIN]: { 'a.b': 1, ' ': 2, $x: 3, '\u0000': 4 } }),
  () => ({ [TWIN]: { gatewaySettings: { logLevel: 'debug', speed: { interval: '1 ms' } } } }),
  () => ({ [TWIN]: { gatewaySettings: { speed: { interval: [null] } } } }),
  () => ({ [TWIN]: null }),
  () => ({ [TWIN]: { speed: null } }),
  () => ({ 'press-99': { speed: 1 }, __proto__: { speed: 1 } }),
  () => ({ [TWIN]: [1, 2, 3] }),
];

/** MQTT knows no topic with U+0000, and none that is empty. */
function spoiltTopic(topic: string, random: Random): string {
  return spoilt(Buffer.from(topic), random).toString('utf8').replaceAll('\0', '?') || '?';
}
