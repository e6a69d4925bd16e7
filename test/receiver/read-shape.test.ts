import assert from 'node:assert/strict';
import type { TwinMessage } from '../../src/model/twin-message.ts';
import { createShape } from '../../src/northbound/shapes/index.ts';
import { toPacket } from '../../src/northbound/wire/client-options.ts';
import { DeliveryBook, type StreamReport } from '../../src/receiver/delivery-book.ts';
import { formatReport } from '../../src/receiver/format-report.ts';
import { PartBook } from '../../src/receiver/part-book.ts';
import { parseMessage } from '../../src/receiver/received-message.ts';
import { CONTEXT, GAP, MESSAGES, SHAPES, storedOf, T0_MS } from '../northbound/shape-messages.ts';

type Sent = { readonly payload: string; readonly properties: Readonly<Record<string, string>> };

/** What a hub gets of the messages, numbered in the order given within their class; each twice, the second time from a gateway started later. */
function sent(shape: string, numbers: readonly number[]): readonly Sent[] {
  return [0, 5_000].flatMap((laterMs) => {
    const made = createShape(SHAPES[shape] ?? assert.fail(), { ...CONTEXT, startTimeMs: CONTEXT.startTimeMs + laterMs });
    return numbers.flatMap((sequence) => {
      const names = ['telemetry', 'compound', 'gap'] as const;
      const message = sequence === 60 ? { ...GAP, gap: { ...GAP.gap, toSequence: 59 } } : MESSAGES[names[sequence % 2] ?? ''];
      const stored = { ...storedOf((message ?? assert.fail()) as typeof GAP), class: 'telemetry' as const, sequence };
      return made.encode(stored, T0_MS + laterMs).map(withTwin);
    });
  });
}

/** As the dialect sends it. */
function withTwin({ payload, properties }: Sent): Sent {
  return { payload, properties: { ...properties, twin: 'press-07' } };
}

function shifted(message: TwinMessage): TwinMessage {
  return { ...message, startTimeMs: message.startTimeMs + 90 };
}

function received(packets: readonly Sent[]): StreamReport {
  const [book, parts] = [new DeliveryBook(), new PartBook()];
  for (const { payload, properties } of packets) {
    const message = parseMessage(payload, properties) ?? assert.fail(payload);
    const whole = parts.join(message);
    if (whole !== undefined) book.take(whole);
  }
  const [stream = assert.fail('nothing came'), ...others] = book.report().streams;
  assert.equal(others.length, 0);
  return stream;
}

describe('a receiver of other shapes', () => {
  for (const shape of Object.keys(SHAPES)) {
    const isPnp = shape === 'pnp';
    it(`counts what came, what came twice, and what is declared (${shape})`, () => {
      const { gateway, twin, epoch, ...report } = received(sent(shape, [57, 58, 60]));
      assert.deepEqual([gateway, twin, epoch, report.class], ['gw-01', 'press-07', '8f3a', 'telemetry']);
      assert.deepEqual([report.messages, report.duplicates, report.faults], [3, 3, []]);
      assert.deepEqual([report.declared, report.undeclared], [[{ from: 59, to: 59 }], []]);
      assert.equal(report.gaps.overflow?.messages, 17);
      // Of a template nobody knows what is a reading. What is bad has no value in `pnp`.
      assert.equal(report.readings, shape === 'template' ? 0 : isPnp ? 12 : 13);
    });

    it(`misses a message of which a packet is missing (${shape})`, () => {
      const packets = sent(shape, [57, 58, 60]).slice(0, -1);
      const firsts = packets.slice(0, Math.ceil(packets.length / 2));
      const of58 = sent(shape, [58]);
      const cut = firsts.filter(({ payload, properties }) => {
        const last = of58[of58.length / 2 - 1] ?? assert.fail();
        return payload !== last.payload || properties.id !== last.properties.id;
      });
      assert.equal(cut.length, firsts.length - 1);
      assert.deepEqual(received(cut).declared, [{ from: 58, to: 59 }]);
      assert.equal(received(cut).messages, 2);
    });
  }

  for (const shape of Object.keys(SHAPES)) {
    it(`knows of which times nobody was sure, and forgives their correction (${shape})`, () => {
      const made = createShape(SHAPES[shape] ?? assert.fail(), CONTEXT);
      const told = (message: TwinMessage) => made.encode({ ...storedOf(message), class: 'property' }, T0_MS).map(withTwin);
      const { doubted = assert.fail(), corrected = assert.fail(), property = assert.fail() } = MESSAGES;
      const report = received([...told(doubted), ...told(shifted(corrected)), ...told(shifted(corrected))]);
      assert.deepEqual([report.messages, report.doubted, report.duplicates, report.faults], [1, 1, 2, []]);
      assert.deepEqual([received(told(property)).doubted, received(told(corrected)).doubted], [0, 0]);
      assert.match(formatReport({ isComplete: true, streams: [report] }), /1 messages.*, 1 with a time that was not known/);
    });
  }

  it('says nothing of a packet that does not say which one it is', () => {
    const [packet = assert.fail()] = sent('pnp', [58]);
    assert.equal(parseMessage(packet.payload), undefined);
  });

  it('has the user properties of a packet', () => {
    const properties = { userProperties: { id: 'gw-01:press-07:8f3a:58', twice: ['first', 'second'] } };
    const told = toPacket('t', { cmd: 'publish', topic: 't', payload: '', qos: 1, retain: false, dup: false, properties });
    assert.deepEqual(told.properties, { id: 'gw-01:press-07:8f3a:58', twice: 'first' });
  });

  it('sees another content under the same number', () => {
    for (const shape of Object.keys(SHAPES).filter((each) => each !== 'template')) {
      const change = ({ payload, properties }: Sent) => ({ payload: payload.replaceAll('71.5', '99.5'), properties });
      const packets = [...sent(shape, [58]).slice(0, sent(shape, [58]).length / 2), ...sent(shape, [58]).map(change)];
      assert.match(received(packets).faults.join(), /58 came again with another content/, shape);
    }
  });
});
