import assert from 'node:assert/strict';
import fc from 'fast-check';
import { acceptCertificate, listCertificates, trustFolders } from '../../../../connectors/opcua/security/trust.ts';
import { GatewayError } from '../../../../src/model/error.ts';
import type { Connector, ConnectorSession } from '../../../../src/southbound/connector.ts';
import { FUZZ_PATIENCE_MS, frames, seeds, tell } from '../../../support/fuzz.ts';
import { type Mutation, mutate, mutation } from '../../../support/mutation.ts';
import { type Direction, OpcuaProxy } from '../../../support/opcua-proxy.ts';
import { startOpcuaServer, type TestServer } from '../../../support/opcua-server.ts';
import { Bench, Collected, makePlan, OPEN } from '../support.ts';

/** Of a thing that has gone wrong nothing is left on the way for so long. */
const SETTINGS = { keepAlive: '1 s', publishingInterval: '50 ms', timeout: '1 s' };
const TRUTH = { Count: 7, Name: 'Prëss; 07', UInt32: 4_294_967_295, Speed: 1.5 } as const;
/** From the hello of a connection to its values; later ones are notifications. */
const CHUNKS_OF_INTEREST = 24;
const OPENS_WITHIN_MS = 30_000;

interface Break {
  readonly direction: Direction;
  readonly index: number;
  readonly changes: readonly Mutation[];
}

const broken: fc.Arbitrary<Break> = fc.record({
  direction: fc.constantFrom('toServer' as const, 'toClient' as const),
  index: fc.integer({ min: 0, max: CHUNKS_OF_INTEREST }),
  changes: fc.array(mutation, { minLength: 1, maxLength: 3 }),
});

for (const [what, security] of Object.entries({ 'without security': OPEN, 'signed and encrypted': {} })) {
  describe(`OPC UA: mutated messages of a connection ${what}`, function () {
    this.timeout(FUZZ_PATIENCE_MS);
    const bench = new Bench();
    let server: TestServer;
    let proxy: OpcuaProxy;
    let connector: Connector;
    let mutated = 0;

    before(async () => {
      // A session whose opening was broken off stays with the server until it times out, for a minute.
      server = await startOpcuaServer({ options: { serverCapabilities: { maxSessions: 2_000 } } });
      proxy = new OpcuaProxy(server.port);
      await proxy.start();
      await bench.begin();
      const url = `opc.tcp://127.0.0.1:${proxy.port}`;
      const points = Object.fromEntries(Object.keys(TRUTH).map((name) => [name, {}]));
      connector = bench.connector(makePlan({ url, ...SETTINGS, ...security }, { press: points }));
      if (security !== OPEN) await trustServer();
    });
    after(async () => {
      await bench.end();
      await proxy.stop();
      await server.stop();
    });

    async function trustServer(): Promise<void> {
      const folders = trustFolders(bench.stateDirectory);
      await assert.rejects(connector.open(new AbortController().signal), { code: 'LINK_UNTRUSTED' });
      const [rejected] = await listCertificates(folders.rejected);
      await acceptCertificate(folders, rejected?.sha1 ?? '');
    }

    async function use({ direction, index, changes }: Break): Promise<void> {
      let isHit = false;
      proxy.change = (chunk, to, at) => {
        if (to !== direction || at !== index || isHit) return chunk;
        isHit = true;
        mutated += 1;
        return mutate(chunk, changes);
      };
      const session = await connector.open(AbortSignal.timeout(OPENS_WITHIN_MS)).catch((error: unknown) => {
        assert.ok(error instanceof GatewayError, String(error));
        return undefined;
      });
      if (session !== undefined) await listen(session);
      proxy.change = (chunk) => chunk;
      proxy.cut();
    }

    /** What a secured connection calls good is what the server has said. */
    async function listen(session: ConnectorSession): Promise<void> {
      const collected = new Collected(session);
      const readings = collected.until('Count', ({ quality }) => quality === 'good');
      await Promise.race([readings, session.lost, new Promise((resolve) => setTimeout(resolve, 200))]);
      await session.close();
      if (security === OPEN) return;
      for (const { point, value, quality } of collected.batches.flatMap((batch) => batch.readings)) {
        if (quality === 'good') assert.deepEqual(value, TRUTH[point.name as keyof typeof TRUTH]);
      }
    }

    async function isWell(): Promise<void> {
      const session = await connector.open(AbortSignal.timeout(OPENS_WITHIN_MS));
      const collected = new Collected(session);
      for (const [name, value] of Object.entries(TRUTH)) await collected.until(name, (reading) => reading.value === value);
      await session.close();
    }

    // One is enough for the short form: each connection takes the better part of a second.
    for (const seed of seeds().slice(-1)) {
      const count = Math.ceil(frames(5_000) / 1_000);
      it(`${count} connections: no crash, no hang, and well again behind each five (seed ${seed})`, async () => {
        mutated = 0;
        let used = 0;
        const property = fc.asyncProperty(broken, async (one) => {
          await use(one);
          used += 1;
          if (used % 5 === 0) await isWell();
        });
        await fc.assert(property, { seed, numRuns: count, endOnFailure: true });
        tell(`OPC UA connections ${what}`, { connections: used, mutated });
        if (count >= 50) assert.ok(mutated > count / 6, `${mutated} of ${count} hit`);
      });
    }
  });
}
