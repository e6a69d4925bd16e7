import assert from 'node:assert/strict';
import { copyFile, readFile } from 'node:fs/promises';
import { fileSecret } from '../../src/northbound/file-secret.ts';
import { startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { type CertificateFiles, createAuthority, readCertificate, type TestAuthority } from '../support/certificates.ts';
import { HandClock } from '../support/hand-clock.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { RecordedSpoolReader, telemetry } from '../support/recorded-spool-reader.ts';
import { SinkBroker, type SinkScript } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

const MINUTE_MS = 60_000;
const STEP_MS = 10 * MINUTE_MS;
const PER_DAY = (24 * 60 * MINUTE_MS) / STEP_MS;
const STEPS = 7 * PER_DAY;
/** Real time in which a step comes to rest; more would be a hang. */
const PATIENCE_MS = 20_000;
const TWINS = ['press-07', 'press-08'];

/** A week of two brokers with everything that they do to a gateway; ten minutes a step, each until all is acknowledged. */
describe('dialect mqtt: a week', () => {
  let authority: TestAuthority;
  let own: CertificateFiles;
  let script: SinkScript;

  before(async function () {
    this.timeout(30_000);
    authority = await createAuthority();
    const server = await readCertificate(await authority.issue('localhost'));
    script = {
      tls: { ...server, ca: await readFile(authority.ca), requestCert: true, rejectUnauthorized: true },
      connackProperties: { topicAliasMaximum: 10, receiveMaximum: 20, serverKeepAlive: 3_600 },
      isJealous: true,
    };
    own = await authority.issue('gw-1');
  });

  after(() => authority.remove());

  it('loses nothing over restarts, throttling, a rotated certificate, a stolen client id and failover', async function () {
    this.timeout(120_000);
    const [first, second] = [await SinkBroker.start({ ...script }), await SinkBroker.start({ ...script })];
    const clock = new HandClock(Date.now());
    const log = new RecordedLog();
    const auth = { certificate: own.certificate, privateKey: await fileSecret('key', own.privateKey) };
    const url = [first.url, second.url];
    const times = { failBackAfter: '2 h', connectTimeout: '10 min', acknowledgeTimeout: '10 min' };
    const dialect = mqttDialect({ url, ca: authority.ca, auth, ...times, expireAfter: '1 h', window: 30 });
    const reader = new RecordedSpoolReader();
    const forwarding = startForwarding({
      hub: createMqttHub('cloud', dialect, clock, log.log),
      ...{ reader, gateway: 'gw-01', clock, log: log.log },
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
    });
    const isSent = () => reader.cursor === (reader.stored.at(-1)?.offset ?? 0);
    let isAway = false;
    const renew = async () => {
      const renewed = await authority.issue('gw-2');
      await copyFile(renewed.certificate, own.certificate);
      await copyFile(renewed.privateKey, own.privateKey);
    };
    const happenings: Readonly<Record<number, () => unknown>> = {
      // Each night the broker is restarted.
      ...Object.fromEntries(
        Array.from({ length: 7 }, (_, day) => [
          day * PER_DAY + 20,
          async () => {
            first.disconnect(0x8b);
            await first.stop();
            await first.listen();
          },
        ]),
      ),
      [PER_DAY + 50]: renew,
      // For more than an hour it takes nothing.
      [2 * PER_DAY + 50]: () => {
        isAway = true;
        first.script = { ...script, answer: () => ({ reasonCode: 0x97 }) };
      },
      [2 * PER_DAY + 57]: () => {
        isAway = false;
        first.script = script;
      },
      // Twice somebody else comes with the same client id.
      [3 * PER_DAY + 50]: () => first.disconnect(0x8e),
      [3 * PER_DAY + 51]: () => first.disconnect(0x8e),
      // The preferred one is away for half a day.
      [4 * PER_DAY + 30]: () => first.stop(),
      [4 * PER_DAY + 102]: () => first.listen(),
      // Both are away.
      [5 * PER_DAY + 50]: async () => {
        isAway = true;
        await Promise.all([first.stop(), second.stop()]);
      },
      [5 * PER_DAY + 68]: async () => {
        isAway = false;
        await Promise.all([first.listen(), second.listen()]);
      },
      [6 * PER_DAY + 50]: () => first.disconnect(0x9d, `localhost:${second.port}`),
      [6 * PER_DAY + 60]: () => second.cut(),
      [6 * PER_DAY + 70]: () => first.disconnect(0x9f),
    };
    let happened = 0;
    for (let step = 0; step < STEPS; step += 1) {
      for (const twin of TWINS) reader.append(telemetry(twin, step, clock.nowMs()));
      const happening = happenings[step];
      if (happening !== undefined) {
        await happening();
        happened += 1;
      }
      const startMs = clock.nowMs();
      if (isAway) await pass(clock, 50);
      else await quiet(clock, isSent, () => `step ${step}, ${JSON.stringify(forwarding.status())}`);
      await clock.advance(Math.max(0, startMs + STEP_MS - clock.nowMs()));
    }
    await quiet(clock, isSent, () => 'the last step');
    const { counters } = forwarding.status();
    await Promise.race([forwarding.stop(0), pass(clock, 2_000)]);
    await Promise.all([first.stop(), second.stop()]);

    assert.equal(happened, Object.keys(happenings).length);
    assert.deepEqual([first.violations, second.violations, reader.rejected], [[], [], []]);
    const all = [first, second].flatMap(({ messages }) => messages);
    for (const twin of TWINS) {
      const heard = new Set(all.filter((message) => message.twin === twin).map(({ seq }) => Number(seq)));
      assert.deepEqual([heard.size, Math.min(...heard), Math.max(...heard)], [STEPS, 1, STEPS]);
    }
    assert.ok((counters.throttled_messages ?? 0) > 0, 'nothing was throttled');
    assert.ok(second.messages.length > PER_DAY / 2, 'the second broker was not used');
    assert.equal(log.events('link lost').filter((event) => /renewed/.test(JSON.stringify(event))).length, 1, 'not rotated once');
    const lives = [first, second].flatMap(({ publishes }) =>
      publishes.flatMap(({ properties }) => properties?.messageExpiryInterval ?? []),
    );
    assert.deepEqual([Math.min(...lives), Math.max(...lives)], [1, 3_600], 'what waited for hours has the shortest life');
    assert.ok(all.length - 2 * STEPS < 200, `${all.length - 2 * STEPS} came twice`);
  });
});

/** Time goes on and nothing comes to rest. */
async function pass(clock: HandClock, realMs: number): Promise<void> {
  for (const endMs = performance.now() + realMs; performance.now() < endMs; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await clock.advance(1_000);
  }
}

/** Moves the clock on in seconds until the condition holds: waits end, connections are opened anew. */
async function quiet(clock: HandClock, condition: () => boolean, why: () => string): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (let idle = 0; !condition(); idle += 1) {
    if (performance.now() > endMs) throw new Error(`the step does not come to rest: ${why()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
    // What is under way on the sockets comes first.
    if (idle % 10 === 9) await clock.advance(5_000);
  }
}
