import assert from 'node:assert/strict';
import fc from 'fast-check';
import { crc16, withCrc, withoutCrc } from '../../../connectors/modbus/protocol/crc.ts';
import type { ReadRequest } from '../../../connectors/modbus/protocol/request.ts';
import { rtuFraming } from '../../../connectors/modbus/protocol/rtu-framing.ts';

const REQUEST: ReadRequest = { function: 3, unit: 1, address: 0, count: 2 };
const { find } = rtuFraming;
const ANSWER = withCrc(Buffer.from([1, 3, 4, 0, 10, 0, 20]));

describe('CRC of Modbus RTU', () => {
  it('has the check value of the standard', () => assert.equal(crc16(Buffer.from('123456789')), 0x4b37));

  for (const [frame, crc] of [
    ['01030000000A', 'c5cd'],
    ['010402FFFF', 'b880'],
    ['1103006B0003', '7687'],
    ['018302', 'c0f1'],
  ] as const) {
    it(`is ${crc} for ${frame}, low byte first`, () => {
      assert.equal(withCrc(Buffer.from(frame, 'hex')).subarray(-2).toString('hex'), crc);
    });
  }
});

describe('frames on a serial line', () => {
  it('are not complete before their last byte', () => {
    for (let length = 0; length < ANSWER.length; length += 1) assert.equal(find(ANSWER.subarray(0, length), REQUEST), undefined);
    assert.deepEqual(find(ANSWER, REQUEST), { skipped: 0, bytes: ANSWER.length, body: withoutCrc(ANSWER) });
  });

  it('are found behind any noise that is no frame itself', () => {
    const noise = fc.uint8Array({ maxLength: 40 }).filter((bytes) => !bytes.includes(1));
    fc.assert(
      fc.property(noise, (bytes) => {
        const found = find(Buffer.concat([bytes, ANSWER]), REQUEST);
        assert.deepEqual(found?.body, withoutCrc(ANSWER));
        assert.equal(found?.skipped, bytes.length);
      }),
    );
  });

  it('are exceptions too, and those of other units', () => {
    const exception = withCrc(Buffer.from([1, 0x83, 2]));
    const foreign = withCrc(Buffer.from([9, 6, 0, 1, 0, 2]));
    assert.deepEqual(find(exception, REQUEST)?.body, withoutCrc(exception));
    assert.deepEqual(find(Buffer.concat([foreign, ANSWER]), REQUEST)?.body, withoutCrc(foreign));
  });

  it('are never seen in the data of an answer that is still coming', () => {
    const inside = withCrc(Buffer.from([1, 0x83, 2]));
    const answer = withCrc(Buffer.concat([Buffer.from([1, 3, 8]), inside, Buffer.alloc(3)]));
    const request: ReadRequest = { ...REQUEST, count: 4 };
    for (let length = 0; length < answer.length; length += 1) assert.equal(find(answer.subarray(0, length), request), undefined);
    assert.deepEqual(find(answer, request)?.body, withoutCrc(answer));
  });
});
