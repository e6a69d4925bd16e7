import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { verifyAudit } from '../../../src/audit/verify-audit.ts';
import { type RunningGateway, startGateway } from '../../../src/gateway.ts';
import { auditDirectory } from '../../../src/gateway-audit.ts';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { emptyMemory } from '../../../src/simulator/modbus-memory.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../../src/simulator/modbus-tcp-server.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { assertNoGrowth, FUZZ_PATIENCE_MS, frames, seeds, tell, usedBytes } from '../../support/fuzz.ts';
import { planOf } from '../../support/gateway-plan.ts';
import { SinkBroker, type SinkPublish } from '../../support/sink-broker.ts';
import { mqttDialect } from '../plant.ts';
import { hostilePacket, seeded } from './hostile-packets.ts';

const TOPIC = 'gw-01/press-07/command';
const BATCH = 50;
const STOP_COIL = 4;
const SPEED_REGISTER = 40;

describe('hostile packets from the hub', function () {
  this.timeout(FUZZ_PATIENCE_MS);

  describe('through a whole gateway', () => {
    const memory = emptyMemory();
    let plc: ModbusTcpServer;
    let broker: SinkBroker;
    let configuration: TemporaryConfiguration;
    let gateway: RunningGateway;

    beforeEach(async () => {
      plc = await startModbusTcpServer({ port: 0, units: new Map([[1, new SimulatedModbusDevice({ memory })]]) });
      broker = await SinkBroker.start();
      configuration = new TemporaryConfiguration({
        'gateway.yaml': `gateway: { id: gw-01 }
hubs: { cloud: { dialect: mqtt, url: "${broker.url}" } }
spool: { directory: ./spool, commitWindow: 5 ms }
operations: { port: 0 }
`,
        'mappings/press.yaml': `twin: press-07
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${plc.port}, unit: 1 }
points:
  stop: { address: { coil: ${STOP_COIL} }, interval: 100 ms }
  speed: { address: { holding: ${SPEED_REGISTER} }, type: uint16, write: { min: 0, max: 1500, onlyIf: stop == false } }
`,
      });
      // Whatever passes for a command is refused by the interlock.
      memory.coil[STOP_COIL] = 1;
      memory.holding[SPEED_REGISTER] = 7;
      const options = { log: silentLog, version: '1.2.3', stateDirectory: configuration.path('state') };
      gateway = await startGateway(await planOf(configuration), options);
      await until(() => broker.subscriptions.length > 0 && broker.messages.length > 0);
    });

    afterEach(async () => {
      await gateway.stop(1_000);
      await Promise.all([broker.stop(), plc.close()]);
      configuration[Symbol.dispose]();
    });

    const counted = () => {
      const {
        commands = 0,
        invalid_commands: invalid = 0,
        dropped_commands: dropped = 0,
      } = gateway.status().hubs[0]?.counters ?? {};
      return { commands, invalid, dropped };
    };
    const entries = (): readonly Record<string, unknown>[] => {
      const directory = auditDirectory(configuration.path('state'));
      return readdirSync(directory).flatMap((name) =>
        name.endsWith('.jsonl')
          ? readFileSync(`${directory}/${name}`, 'utf8')
              .split('\n')
              .filter((line) => line !== '')
              .map((line) => JSON.parse(line) as Record<string, unknown>)
          : [],
      );
    };
    /** Entries of a kind, and what they say of those that were not written. */
    const audited = (kind: string) =>
      entries().reduce((sum, entry) => {
        if (entry.kind === 'flood' && entry.of === kind) return sum + Number(entry.notWritten);
        return entry.kind === kind ? sum + 1 + Number(entry.notWrittenBefore ?? 0) : sum;
      }, 0);

    for (const seed of seeds()) {
      it(`crash nothing, write nothing, and each is in the audit log, seed ${seed}`, async () => {
        const random = seeded(seed);
        const count = frames(3_000);
        let warmBytes = 0;
        let marks = 0;
        for (let sent = 0; sent < count; sent += BATCH) {
          for (let index = sent; index < sent + BATCH; index += 1) {
            const { topic, payload, more } = hostilePacket(TOPIC, random, index);
            broker.send(topic, payload, more);
          }
          // Its answer comes behind those to all of them. Where answers of the batch before are still on their way it may be dropped as a flood.
          const mark = `batch ${sent}`;
          const isMark = ({ properties }: SinkPublish) => properties?.correlationData?.toString() === mark;
          let askAgainMs = 0;
          const isThrough = () => {
            if (performance.now() >= askAgainMs) {
              broker.send(TOPIC, 'end', { qos: 0, properties: { correlationData: Buffer.from(mark) } });
              marks += 1;
              askAgainMs = performance.now() + 500;
            }
            return broker.publishes.some(isMark);
          };
          await until(isThrough, 1, counted);
          // A sink that remembers everything would be the growth that is looked for.
          broker.forget();
          if (sent >= count / 4 && warmBytes === 0) warmBytes = usedBytes();
        }
        assertNoGrowth(warmBytes, 32);
        assert.equal(memory.holding[SPEED_REGISTER], 7);
        assert.deepEqual(broker.violations, []);
        assert.equal(broker.connects.length, 1, 'the connection did not live through it');
        await quiet(broker);
        memory.coil[STOP_COIL] = 0;
        await until(() => {
          broker.send(TOPIC, JSON.stringify({ id: `good-${Math.random()}`, desired: { speed: 900 } }));
          return memory.holding[SPEED_REGISTER] === 900;
        }, 200);
        const figures = counted();
        tell('hostile packets', figures);
        assert.ok(figures.invalid > count / 2 && figures.commands > 0);
        await gateway.stop(1_000);
        const good = entries().filter(({ kind, command }) => kind === 'command' && String(command).startsWith('good')).length;
        assert.equal(audited('packet') + audited('command') - good, count + marks);
        assert.ok(figures.dropped < count / 100, `${figures.dropped} dropped`);
        assert.ok((await verifyAudit(auditDirectory(configuration.path('state')))).isSound);
      });
    }
  });

  it('that are no MQTT at all cost the connection, nothing else', async () => {
    const sockets: Socket[] = [];
    const broker = await SinkBroker.start({ service: { connect: ({ socket }) => sockets.push(socket) * 0 } });
    const hub = createMqttHub('cloud', mqttDialect({ url: broker.url, connectTimeout: '5 s' }), systemClock);
    const lost = new Map<string, number>();
    const count = Math.min(2_000, Math.ceil(frames(3_000) / 50));
    for (let index = 0; index < count; index += 1) {
      const session = await hub.open(new AbortController().signal);
      session.commands.subscribe(() => assert.fail('a command'));
      sockets.at(-1)?.write(garbage(index));
      sockets.at(-1)?.end();
      const { code } = await session.lost;
      lost.set(code, (lost.get(code) ?? 0) + 1);
      await session.close();
    }
    await broker.stop();
    tell('no MQTT', Object.fromEntries(lost));
    assert.deepEqual(
      [...lost.keys()].filter((code) => !code.startsWith('HUB_')),
      [],
    );
  });
});

/** Random bytes, or a packet of each type with a length that is true, too small or absurd. */
function garbage(index: number): Buffer {
  const noise = randomFillSync(Buffer.alloc(1 + (index % 97)));
  if (index % 3 === 0) return noise;
  const length = index % 3 === 1 ? [noise.length] : [0xff, 0xff, 0xff, index % 2 === 0 ? 0x7f : 0xff];
  return Buffer.concat([Buffer.from([((index % 16) << 4) | (index % 7), ...length]), noise]);
}

/** Whatever waits for an answer has it. */
async function quiet({ publishes }: SinkBroker): Promise<void> {
  for (let before = -1; publishes.length !== before; ) {
    before = publishes.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** A batch that does not come to an end is a packet that nobody counted. */
const PATIENCE_MS = 20_000;

async function until(condition: () => boolean, lookMs = 1, what: () => unknown = () => ''): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`nothing more comes: ${JSON.stringify(what())}`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
