import assert from 'node:assert/strict';
import fc from 'fast-check';
import { asciiFraming } from '../../../connectors/modbus/protocol/ascii-framing.ts';

const BODY = Buffer.from('1103006B0003', 'hex');
/** Of the standard's own example: function 3, unit 17, registers 40108 to 40110. */
const FRAME = Buffer.from(':1103006B00037E\r\n');
const { find } = asciiFraming;
const text = (frame: string) => Buffer.from(frame, 'latin1');

describe('frames of Modbus ASCII', () => {
  it('are text between a colon and CR LF, with the sum that the standard shows', () => {
    assert.equal(asciiFraming.encode(BODY).toString(), FRAME.toString());
    assert.equal(asciiFraming.frameBytes(BODY.length), FRAME.length);
  });

  it('are not complete before their last byte', () => {
    for (let length = 0; length < FRAME.length; length += 1) assert.equal(find(FRAME.subarray(0, length)), undefined);
    assert.deepEqual(find(FRAME), { skipped: 0, bytes: FRAME.length, body: BODY });
  });

  it('carry any body that there is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 254 }), (body) => {
        const frame = asciiFraming.encode(body);
        assert.deepEqual(find(frame), { skipped: 0, bytes: frame.length, body: Buffer.from(body) });
        assert.equal(asciiFraming.frameBytes(body.length), frame.length);
      }),
    );
  });

  it('are found behind any noise, also behind one that was cut off', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
        const found = find(Buffer.concat([noise, FRAME]));
        assert.deepEqual(found, { skipped: noise.length, bytes: FRAME.length, body: BODY });
      }),
    );
    assert.deepEqual(find(Buffer.concat([text(':11030'), FRAME]))?.body, BODY);
    assert.deepEqual(find(Buffer.concat([text(':1103006B0004 7E\r\n'), FRAME]))?.body, BODY);
  });

  it('may be written in small letters', () => assert.deepEqual(find(text(':1103006b00037e\r\n'))?.body, BODY));

  for (const [what, frame] of [
    ['a sum that does not fit', ':1103006B00037F\r\n'],
    ['another digit', ':1103006B00047E\r\n'],
    ['half a byte', ':1103006B00037E7\r\n'],
    ['a character that is no digit', ':1103006G00037E\r\n'],
    ['no carriage return', ':1103006B00037E\n'],
    ['nothing', ':\r\n'],
    ['a sum alone', ':00\r\n'],
    ['more than a frame can hold', `:${'00'.repeat(256)}\r\n`],
  ] as const) {
    it(`are none with ${what}`, () => assert.equal(find(text(frame)), undefined));
  }
});
