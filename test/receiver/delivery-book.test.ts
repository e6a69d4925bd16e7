import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UNMEASURED_REASONS } from '../../src/model/device-gap.ts';
import { countMissing, DeliveryBook } from '../../src/receiver/delivery-book.ts';
import { formatReport } from '../../src/receiver/format-report.ts';
import { parseMessage } from '../../src/receiver/received-message.ts';
import { UNMEASURED } from '../../src/receiver/unmeasured.ts';

const body = (seq: number, more: Readonly<Record<string, unknown>> = {}) => {
  const { twin = 'press-07', epoch = 'e1' } = more;
  return { id: `gw:${twin}:${epoch}:${seq}`, gateway: 'gw', twin, epoch, seq, values: { a: [[0, seq]] }, ...more };
};

function bookOf(bodies: readonly unknown[], options = {}): DeliveryBook {
  const book = new DeliveryBook(options);
  for (const one of bodies) {
    const message = parseMessage(JSON.stringify(one));
    if (message !== undefined) book.take(message);
  }
  return book;
}

const gap = (seq: number, fromSeq: number, toSeq: number) =>
  body(seq, { values: undefined, gap: { reason: 'overflow', fromSeq, toSeq, messages: toSeq - fromSeq + 1, readings: 10 } });

describe('delivery book', () => {
  it('finds a stream without a hole complete, each message counted once', () => {
    const report = bookOf([body(4), body(5), body(5, { sent: 'later', history: true }), body(6)]).report();
    assert.equal(report.isComplete, true);
    const [stream] = report.streams;
    assert.deepEqual([stream?.first, stream?.last, stream?.messages, stream?.duplicates], [4, 6, 3, 1]);
  });

  it('names what is missing and not declared', () => {
    const book = bookOf([body(1), body(2), body(6)]);
    assert.equal(book.report().isComplete, false);
    assert.deepEqual(book.report().streams[0]?.undeclared, [{ from: 3, to: 5 }]);
    assert.match(formatReport(book.report()), /NOT DECLARED: 3-5 did not come.*\nNOT COMPLETE: 3 messages/);
  });

  it('is content with what a gap record declares, as far as it declares it', () => {
    const report = bookOf([body(1), gap(6, 2, 4), body(7)]).report();
    assert.deepEqual(report.streams[0]?.declared, [{ from: 2, to: 4 }]);
    assert.deepEqual(report.streams[0]?.undeclared, [{ from: 5, to: 5 }]);
    assert.deepEqual(report.streams[0]?.gaps, { overflow: { records: 1, messages: 3, readings: 10, durationMs: 0 } });
    assert.deepEqual(countMissing(report), { declared: 3, undeclared: 1 });
  });

  it('prints what was never measured apart from what was lost', () => {
    const away = (seq: number, from: string, to: string, readings: number) => {
      const times = { from: `2026-01-01T00:00:${from}.000Z`, to: `2026-01-01T00:00:${to}.000Z` };
      return body(seq, { values: undefined, gap: { reason: 'device-away', messages: 0, readings, ...times } });
    };
    const report = bookOf([body(1), away(2, '10', '30', 40), away(3, '30', '35', 10), gap(6, 4, 5)]).report();
    assert.equal(report.isComplete, true);
    const text = formatReport(report);
    assert.match(text, /\n {2}not measured, device-away: 2 records, 50 readings, 25\.0 s\n/);
    assert.match(text, /\n {2}lost, overflow: 1 records, 2 messages, 10 readings\n/);
    assert.match(text, /; 50 readings could not be measured\n$/);
  });

  it('knows the reasons that the gateway has for that', () => {
    assert.deepEqual([...UNMEASURED], [...UNMEASURED_REASONS]);
  });

  it('what did arrive, arrived, whatever a gap record says', () => {
    const report = bookOf([body(1), body(2), gap(4, 2, 3)]).report();
    assert.deepEqual(report.streams[0]?.declared, [{ from: 3, to: 3 }]);
  });

  it('takes what was overtaken, and counts it', () => {
    const report = bookOf([body(1), body(3), body(2)]).report();
    assert.equal(report.isComplete, true);
    assert.equal(report.streams[0]?.overtaken, 1);
  });

  it('takes history beside live messages, each in order, for no disorder', () => {
    const history = { history: true };
    const report = bookOf([body(7), body(1, history), body(8), body(2, history), body(3, history)]).report();
    assert.deepEqual([report.streams[0]?.overtaken, report.streams[0]?.behindLive], [0, 3]);
    assert.deepEqual(report.streams[0]?.undeclared, [{ from: 4, to: 6 }]);
    const late = bookOf([body(7), body(2, history), body(1, history), body(6)]).report();
    assert.deepEqual([late.streams[0]?.overtaken, late.streams[0]?.behindLive], [2, 1]);
    assert.match(formatReport(report), /3 as history behind newer ones/);
  });

  it('keeps twins, epochs and gateways apart', () => {
    const report = bookOf([body(9), body(1, { epoch: 'e2' }), body(2, { twin: 'b' }), body(3, { twin: 'b' })]).report();
    assert.equal(report.isComplete, true);
    assert.equal(report.streams.length, 3);
  });

  it('keeps classes apart, and takes a message without one for telemetry', () => {
    const alarm = { class: 'alarm' };
    const report = bookOf([body(9), body(3, alarm), body(10, { class: 'telemetry' }), body(4, alarm)]).report();
    assert.deepEqual(
      report.streams.map((stream) => [stream.class, stream.first, stream.last]),
      [
        ['telemetry', 9, 10],
        ['alarm', 3, 4],
      ],
    );
    assert.equal(report.isComplete, true);
  });

  it('applies a gap record of another epoch to that epoch', () => {
    const other = body(1, {
      epoch: 'e2',
      gap: { reason: 'damaged', fromSeq: 2, toSeq: 2, epoch: 'e1', messages: 1, readings: 1 },
    });
    assert.equal(bookOf([body(1), body(3), other]).report().isComplete, true);
  });

  it('expects everything from number 1 on where told so', () => {
    assert.equal(bookOf([body(2)], { fromFirst: true }).report().isComplete, false);
    assert.equal(bookOf([body(2)]).report().isComplete, true);
  });

  it('complains of a number that comes again with another content, and of an id that does not fit', () => {
    const report = bookOf([body(1), body(1, { values: { a: [[0, 99]] } }), body(2, { id: 'gw:press-07:e1:7' })]).report();
    assert.equal(report.isComplete, false);
    assert.deepEqual(report.streams[0]?.faults, ['1 came again with another content', '2 has the id gw:press-07:e1:7']);
  });

  it('reads both shapes, and leaves everything else alone', () => {
    assert.equal(parseMessage(JSON.stringify(body(1, { values: undefined, points: [{}, {}] })))?.readings, 2);
    for (const other of ['', '{', 'null', '[]', '{"schema":"gw.status/1"}', JSON.stringify(body(0)), JSON.stringify(body(1.5))])
      assert.equal(parseMessage(other), undefined, other);
  });

  it('never calls complete what has an undeclared hole, nor incomplete what has none', () => {
    const plan = fc.array(fc.constantFrom('arrives', 'arrives twice', 'is lost', 'is declared'), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(plan, (fates) => {
        const bodies = fates.flatMap((fate, index) => {
          const one = body(index + 2);
          return fate === 'arrives' ? [one] : fate === 'arrives twice' ? [one, one] : [];
        });
        const declared = fates.flatMap((fate, index) => (fate === 'is declared' ? [index + 2] : []));
        const last = fates.length + 2;
        const gaps = declared.map((number, index) => gap(last + index, number, number));
        const end = [body(last + gaps.length)];
        const report = bookOf([body(1), ...bodies, ...gaps, ...end]).report();
        assert.equal(report.isComplete, !fates.includes('is lost'));
        assert.equal(countMissing(report).undeclared, fates.filter((fate) => fate === 'is lost').length);
        assert.equal(countMissing(report).declared, declared.length);
      }),
    );
  });
});
