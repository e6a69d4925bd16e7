import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DataValue, MessageBuilder, MessageSecurityMode, SecurityPolicy, setErrorLogger, setWarningLogger } from 'node-opcua';
import { toReading } from '../../../../connectors/opcua/values/reading.ts';
import { assertNoGrowth, FUZZ_PATIENCE_MS, frames, seeds, tell, usedBytes } from '../../../support/fuzz.ts';
import { mutate, mutation } from '../../../support/mutation.ts';
import type { Direction } from '../../../support/opcua-proxy.ts';
import { planPoint } from '../support.ts';
import { recordSession } from './recording.ts';

/** Chunks of the symmetric part of a session; a builder that is fed hello messages is not the one that they are for. */
const MESSAGE = 'MSG';
/** What the gateway and servers agree upon, roughly. */
const LIMITS = { maxChunkSize: 65_536, maxMessageSize: 2 ** 20, maxChunkCount: 16 };
const SHORT = 600;
const MAX_GROWTH_MIB = 12;
const { point } = planPoint('press', 'Count', {});

interface Fed {
  messages: number;
  errors: number;
  readings: number;
}

/** The library's own transport, fed with one chunk, whole or in two pieces. Whatever the bytes are, it neither throws nor hangs. */
function feed(bytes: Buffer, pieceAt: number, fed: Fed): void {
  const builder = new MessageBuilder({ getDerivedKey: () => null } as never, { name: 'fuzz', ...LIMITS });
  builder.setSecurity(MessageSecurityMode.None, SecurityPolicy.None);
  builder.on('message', (message: object) => {
    fed.messages += 1;
    understand(message, fed);
  });
  builder.on('error', () => {
    fed.errors += 1;
  });
  builder.feed(bytes.subarray(0, pieceAt));
  if (pieceAt < bytes.length) builder.feed(bytes.subarray(pieceAt));
  builder.dispose();
}

/** What our side makes of the values in a message that the library has understood: a reading, and one that can be sent. */
function understand(message: object, fed: Fed): void {
  for (const dataValue of dataValuesIn(message, 0)) {
    const reading = toReading({ point }, dataValue, Date.now());
    assert.ok(['good', 'uncertain', 'bad'].includes(reading.quality));
    assert.ok(Number.isFinite(reading.sourceTimeMs));
    if (reading.quality === 'good') assert.notEqual(reading.value, null);
    JSON.stringify(reading.value, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
    fed.readings += 1;
  }
}

function* dataValuesIn(thing: unknown, depth: number): Generator<DataValue> {
  if (thing instanceof DataValue) yield thing;
  else if (typeof thing === 'object' && thing !== null && depth < 8 && !ArrayBuffer.isView(thing)) {
    for (const part of Object.values(thing)) yield* dataValuesIn(part, depth + 1);
  }
}

for (const direction of ['toClient', 'toServer'] as const satisfies readonly Direction[]) {
  describe(`OPC UA: mutated messages ${direction === 'toClient' ? 'to the gateway' : 'to a server'}`, function () {
    this.timeout(FUZZ_PATIENCE_MS);
    let chunks: readonly Buffer[];

    before(async () => {
      const recorded = await recordSession();
      setErrorLogger(() => {});
      setWarningLogger(() => {});
      chunks = recorded[direction].filter((chunk) => chunk.toString('latin1', 0, 3) === MESSAGE);
    });

    const fuzz = (count: number, seed: number): Fed => {
      const fed: Fed = { messages: 0, errors: 0, readings: 0 };
      const which = fc.integer({ min: 0, max: chunks.length - 1 });
      const property = fc.property(
        which,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        fc.nat(64),
        (index, changes, piece) => {
          const bytes = mutate(chunks[index] ?? Buffer.alloc(0), changes);
          feed(bytes, piece === 0 ? bytes.length : Math.floor((piece * bytes.length) / 64), fed);
          // The chunk behind a broken one, on a channel of its own.
          if (index % 50 === 0) feed(chunks[index] ?? Buffer.alloc(0), 0, fed);
        },
      );
      fc.assert(property, { seed, numRuns: count });
      return fed;
    };

    it('is understood as it was recorded', () => {
      const fed: Fed = { messages: 0, errors: 0, readings: 0 };
      for (const chunk of chunks) feed(chunk, chunk.length, fed);
      assert.deepEqual([fed.messages, fed.errors], [chunks.length, 0]);
      assert.ok(direction === 'toServer' || fed.readings > 10);
    });

    it('is an error, and no more, where its type is one that nobody can know', () => {
      const [chunk = Buffer.alloc(0)] = chunks;
      // Behind the headers the type of the message: here an opaque NodeId.
      const bytes = Buffer.concat([chunk.subarray(0, 24), Buffer.of(5, 0, 0, 1, 0, 0, 0, 65), chunk.subarray(28)]);
      bytes.writeUInt32LE(bytes.length, 4);
      const fed: Fed = { messages: 0, errors: 0, readings: 0 };
      feed(bytes, bytes.length, fed);
      assert.deepEqual(fed, { messages: 0, errors: 1, readings: 0 });
    });

    for (const seed of seeds()) {
      const count = frames(SHORT);
      it(`${count} of them: no crash, no hang, no growth (seed ${seed})`, () => {
        fuzz(SHORT, seed);
        const warmBytes = usedBytes();
        const fed = fuzz(count, seed + 1);
        assertNoGrowth(warmBytes, MAX_GROWTH_MIB);
        tell(`OPC UA ${direction}`, { mutated: count, ...fed });
        assert.ok(fed.messages > count / 20 && fed.errors > count / 20, JSON.stringify(fed));
      });
    }
  });
}
