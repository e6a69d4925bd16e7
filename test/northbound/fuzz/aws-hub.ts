import { readFile } from 'node:fs/promises';
import { AwsAccount, AwsEmulator } from '../../support/aws/aws-emulator.ts';
import { commandBody } from './command-bodies.ts';
import { type Attack, type HostileHub, TWIN } from './hostile-hub.ts';
import { below, pick, pickWeighted, type Random, spoilt } from './random.ts';

const COMMAND = `cmd/gw-01/${TWIN}`;
const SHADOW = `$aws/things/gw-01/shadow/name/${TWIN}`;
const JOBS = '$aws/things/gw-01/jobs';
/** A job takes three requests, of which AWS allows few. */
const JOB_SHARE = 1 / 400;

interface Sent {
  readonly topic: string;
  readonly payload: Buffer;
}

export async function startAwsHub(): Promise<HostileHub> {
  const account = await AwsAccount.create();
  const emulator = await AwsEmulator.start(account);
  const { broker } = emulator;
  const { certificate, privateKey } = account.files.gateway;
  let token = 'none';
  const sendTo = ({ topic, payload }: Sent, random: Random) => broker.send(topic, payload, { retain: random() < 0.05 });
  return {
    settings: {
      ...{ dialect: 'aws-iot-core', host: 'localhost', port: broker.port, ca: 'ca.crt', commands: {} },
      auth: { certificate: 'gw.crt', privateKey: '!secret gw.key' },
    },
    files: {
      'ca.crt': await readFile(account.server.ca),
      'gw.crt': await readFile(certificate),
      'secrets/gw.key': await readFile(privateKey),
    },
    isListenedTo: () => broker.publishes.some(({ topic }) => topic.endsWith('/telemetry')),
    attack(random, index): Attack {
      if (random() < JOB_SHARE) return createJob(random, index);
      token = tokenIn(broker) ?? token;
      const [kind, sent] = pickWeighted<() => readonly [Attack, Sent]>(random, [
        [5, () => ['command', { topic: COMMAND, payload: commandBody(random, `f${index}`) }]],
        [1, () => ['command', { topic: pick(random, ELSEWHERE), payload: commandBody(random, `f${index}`) }]],
        [2, () => ['news', delta(random, index)]],
        [1, () => ['news', answer(random, token)]],
      ])();
      sendTo(random() < 0.2 ? { ...sent, payload: spoilt(sent.payload, random) } : sent, random);
      return kind;
    },
    order: (id) => broker.send(COMMAND, JSON.stringify({ id, desired: { speed: 900 } })),
    get ownNews() {
      return emulator.told;
    },
    packetOf: (id) => (id.startsWith('job-made-up') ? undefined : id),
    get faults() {
      return [...emulator.violations, ...emulator.refusals];
    },
    get connections() {
      return broker.connects.length;
    },
    forget() {
      token = tokenIn(broker) ?? token;
      broker.forget();
      emulator.shadows.reports.length = 0;
    },
    async stop() {
      await broker.stop();
      await account.remove();
    },
  };

  function createJob(random: Random, index: number): Attack {
    emulator.createJob(`f${index}`, pick(random, DOCUMENTS));
    return 'command';
  }
}

/** Of the last request to the shadow: an answer with it is believed. */
function tokenIn({ publishes }: AwsEmulator['broker']): string | undefined {
  const last = publishes.findLast(({ topic }) => topic.startsWith(SHADOW));
  return last && (JSON.parse(last.payload.toString()) as { clientToken?: string }).clientToken;
}

const DOCUMENTS: readonly Record<string, unknown>[] = [
  { twin: TWIN, desired: { speed: 900 }, by: 'mallory' },
  { twin: 'press-99', desired: { speed: 900 } },
  { twin: TWIN, desired: [] },
  { twin: TWIN, settings: { logLevel: 'debug' } },
  {},
];

const ELSEWHERE = [
  'cmd/gw-01/press-99',
  `${COMMAND}/more`,
  'cmd/gw-02/press-07',
  '$aws/',
  '$aws/things/gw-02/jobs/notify-next',
  '/',
];

/** Versions rise, as those of AWS, so that each is looked at. */
function delta(random: Random, index: number): Sent {
  const state = pick(random, STATES)(random);
  const version = pick(random, [index + 10, index + 10, index + 10, '9', -1, null]);
  const metadata = pick(random, [{ speed: { timestamp: index } }, null, [], { speed: 1 }]);
  const payload = Buffer.from(JSON.stringify({ version, timestamp: 1, state, metadata }));
  return { topic: pick(random, [`${SHADOW}/update/delta`, `${SHADOW}/update/delta`, `${SHADOW}x/update/delta`]), payload };
}

const STATES: readonly ((random: Random) => unknown)[] = [
  (random) => ({ speed: below(random, 2_000) }),
  (random) => ({ speed: 1, [`p${below(random, 2_000)}`]: 'x'.repeat(below(random, 3_000)) }),
  () => ({ speed: { deep: [1, { more: null }] } }),
  () => ({ speed: null, constructor: { prototype: {} }, _gateway: { refused: {} } }),
  () => [1, 2],
];

/** What asks for nothing by itself; what came of it would be seen in what the gateway does then. */
function answer(random: Random, token: string): Sent {
  const clientToken = pick(random, [token, 'none', 7]);
  const make = pick(random, [
    () => ({ topic: `${SHADOW}/get/rejected`, body: { code: pick(random, [404, 429, 'x']), clientToken } }),
    () => ({ topic: `${SHADOW}/get/accepted`, body: { state: { delta: { speed: 3 } }, version: 'x', clientToken } }),
    () => ({ topic: `${SHADOW}/update/accepted`, body: { state: 7, version: 1e300, clientToken } }),
    () => ({ topic: `${SHADOW}/update/rejected`, body: { code: pick(random, [409, 413, 500]), clientToken } }),
    () => ({ topic: `${JOBS}/notify-next`, body: { execution: { jobId: '../../etc', status: 'QUEUED' } } }),
    () => ({ topic: `${JOBS}/made-up/update/rejected`, body: { code: 'VersionMismatch', clientToken: 'none' } }),
    () => ({ topic: `${JOBS}/made-up/update/accepted`, body: { clientToken: 'none' } }),
    () => ({ topic: `${JOBS}/$next/get/accepted`, body: { execution: madeUp(random), clientToken: 'none' } }),
  ]);
  const { topic, body } = make();
  return { topic, payload: Buffer.from(JSON.stringify(body)) };
}

function madeUp(random: Random): unknown {
  const jobDocument = { twin: TWIN, desired: { speed: 900 } };
  const jobId = `made-up-${below(random, 1_000)}`;
  return pick<unknown>(random, [{ jobId, status: 'QUEUED', versionNumber: 1, jobDocument }, { jobId: 'a/+/#' }, [], null]);
}
