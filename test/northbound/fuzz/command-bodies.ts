import { below, noise, pick, pickWeighted, type Random, spoilt } from './random.ts';

type MakeBody = (random: Random, id: string) => Buffer | string | object;

const command = (id: string, more: object = {}) => ({ id, desired: { speed: 900 }, ...more });
const SOON_MS = 60_000;

/** What some will take for a command: whole ones, which the interlock refuses. */
const WHOLE: readonly MakeBody[] = [
  (_, id) => command(id),
  (_, id) => command(id, { by: 'mallory', dryRun: true }),
  (_, id) => command(id, { by: '\u0000\n\u001b[31m', issued: Date.now(), expires: Date.now() + SOON_MS }),
  (_, id) => command(id, { expires: Number.MAX_SAFE_INTEGER }),
  (_, id) => ({ id, settings: { logLevel: 'debug', 'speed.interval': '1 ms' } }),
  (_, id) => ({ id, approve: true, by: 'mallory' }),
  (_, id) => ({ id, method: 'start', arguments: {} }),
  (_, id) => command(id, { desired: { speed: Array.from({ length: 50 }, () => 1) } }),
  (_, id) => command(id, { desired: { nothing: 1, stop: false, constructor: 1 } }),
];

const BROKEN: readonly MakeBody[] = [
  (random) => noise(random, below(random, 300)),
  (random, id) => Buffer.from(JSON.stringify(command(id))).subarray(0, below(random, 30)),
  (_, id) => command(id, { method: 'start' }),
  (_, id) => command(id, { expires: 'soon', issued: -1 }),
  (_, id) => command(id, { expires: 1e300 }),
  (_, id) => command(id, { unknown: {} }),
  (_, id) => command(id, { approve: true }),
  (_, id) => command(id, { desired: Object.fromEntries(Array.from({ length: 1_100 }, (_unused, at) => [`p${at}`, at])) }),
  (_, id) => `{"id":"${id}","desired":{"__proto__":{"speed":1},"constructor":1}}`,
  (_, id) => `{"id":"${id}","id":"g","desired":{"speed":1}}`,
  (_, id) => `{"id":"${id}","desired":{"speed":1e999}}`,
  (_, id) => `{"id":"${id}","desired":{"speed":${'9'.repeat(400)}}}`,
  (_, id) => `\uFEFF{"id":"${id}","desired":{"speed":1}}`,
  (_, id) => `{"id":"${'\\ud800'.repeat(20)}${id}","desired":{"\\u0000":1}}`,
  () => '['.repeat(30_000),
  () => '{"a":'.repeat(5_000),
  (random) => Buffer.alloc(66_000 + below(random, 10_000), 0x20),
  () => Buffer.alloc(0),
  (random) => pick(random, ['null', 'true', '7', '"x"', '[]', '{}', 'NaN', '{"id":1}']),
];

const SPOILT: MakeBody = (random, id) => spoilt(bytesOf(pick(random, WHOLE)(random, id)), random);

/** The body of something that pretends to be a command, as any sender may write it. */
export function commandBody(random: Random, id: string): Buffer {
  const make = pickWeighted<MakeBody>(random, [
    [3, pick(random, WHOLE)],
    [4, SPOILT],
    [6, pick(random, BROKEN)],
  ]);
  return bytesOf(make(random, id));
}

function bytesOf(body: Buffer | string | object): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
