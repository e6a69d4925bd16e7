import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeAnswer } from '../../../connectors/modbus/protocol/answer.ts';
import { findMismatch } from '../../../connectors/modbus/protocol/answer-check.ts';
import { encodeRequest } from '../../../connectors/modbus/protocol/encode-request.ts';
import { exceptionNumber } from '../../../connectors/modbus/protocol/exception.ts';
import { type IdentificationPart, readIdentification } from '../../../connectors/modbus/protocol/identification.ts';
import { answerBytes, type IdentifyRequest, type Request, requestBytes } from '../../../connectors/modbus/protocol/request.ts';

const unit = 0x11;
const bits = (text: string) => [...text].map((bit) => bit === '1');
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Request, answer and what it means, from the examples of Modbus Application Protocol 1.1b3, section 6. */
const EXAMPLES: readonly (readonly [section: string, request: Request, sent: string, answer: string, meaning: unknown])[] = [
  ['6.1', { function: 1, unit, address: 0x13, count: 19 }, '11 01 0013 0013', '11 01 03 CD 6B 05', bits('1011001111010110101')],
  [
    '6.2',
    { function: 2, unit, address: 0xc4, count: 22 },
    '11 02 00C4 0016',
    '11 02 03 AC DB 35',
    bits('0011010111011011101011'),
  ],
  ['6.3', { function: 3, unit, address: 0x6b, count: 3 }, '11 03 006B 0003', '11 03 06 022B 0000 0064', '022b00000064'],
  ['6.4', { function: 4, unit, address: 8, count: 1 }, '11 04 0008 0001', '11 04 02 000A', '000a'],
  ['6.5', { function: 5, unit, address: 0xac, value: true }, '11 05 00AC FF00', '11 05 00AC FF00', 'written'],
  ['6.5, off', { function: 5, unit, address: 0xac, value: false }, '11 05 00AC 0000', '11 05 00AC 0000', 'written'],
  ['6.6', { function: 6, unit, address: 1, value: 3 }, '11 06 0001 0003', '11 06 0001 0003', 'written'],
  [
    '6.11',
    { function: 15, unit, address: 0x13, values: bits('1011001110') },
    '11 0F 0013 000A 02 CD 01',
    '11 0F 0013 000A',
    'written',
  ],
  [
    '6.12',
    { function: 16, unit, address: 1, registers: hex('000A 0102') },
    '11 10 0001 0002 04 000A 0102',
    '11 10 0001 0002',
    'written',
  ],
  ['6.16', { function: 22, unit, address: 4, and: 0xf2, or: 0x25 }, '11 16 0004 00F2 0025', '11 16 0004 00F2 0025', 'written'],
  [
    '6.17',
    { function: 23, unit, address: 3, count: 6, writeAddress: 0x0e, registers: hex('00FF 00FF 00FF') },
    '11 17 0003 0006 000E 0003 06 00FF 00FF 00FF',
    '11 17 0C 00FE 0ACD 0001 0003 000D 00FF',
    '00fe0acd00010003000d00ff',
  ],
  [
    '6.21',
    { function: 43, unit, category: 1, object: 0 },
    '11 2B 0E 01 00',
    `11 2B 0E 01 01 00 00 03 00 16 ${Buffer.from('Company identification').toString('hex')} 01 0F ${Buffer.from('Product code XX').toString('hex')} 02 05 ${Buffer.from('V2.11').toString('hex')}`,
    {
      objects: new Map([
        [0, 'Company identification'],
        [1, 'Product code XX'],
        [2, 'V2.11'],
      ]),
    },
  ],
];

const readable = (answer: unknown) => (Buffer.isBuffer(answer) ? answer.toString('hex') : answer);

describe('the Modbus PDU codec', () => {
  for (const [section, request, sent, answer, meaning] of EXAMPLES) {
    it(`makes and understands the example of section ${section} of the standard`, () => {
      assert.equal(encodeRequest(request).toString('hex'), hex(sent).toString('hex'));
      assert.equal(requestBytes(request), hex(sent).length);
      assert.equal(findMismatch(request, hex(answer)), undefined);
      if (request.function !== 43) assert.equal(answerBytes(request), hex(answer).length);
      assert.deepEqual(readable(decodeAnswer(request, hex(answer))), meaning);
    });

    it(`tells the exceptions to the request of section ${section} by their number`, () => {
      const exception = Buffer.from([unit, request.function | 0x80, 2]);
      assert.equal(findMismatch(request, exception), undefined);
      assert.throws(
        () => decodeAnswer(request, exception),
        (error: Error & { code?: string }) => {
          return error.code === 'DEVICE_EXCEPTION' && exceptionNumber(error) === 2;
        },
      );
    });

    it(`refuses every cut of the answer of section ${section}, and bytes behind it`, () => {
      const whole = hex(answer);
      for (let length = 0; length < whole.length; length += 1)
        assert.notEqual(findMismatch(request, whole.subarray(0, length)), undefined, `${length} bytes`);
      assert.notEqual(findMismatch(request, Buffer.concat([whole, Buffer.of(0)])), undefined);
    });

    it(`takes the answer of section ${section} with one wrong byte for another value at most, never for another kind`, () => {
      const whole = hex(answer);
      const change = fc.record({ at: fc.nat({ max: whole.length - 1 }), byte: fc.integer({ min: 1, max: 255 }) });
      fc.assert(
        fc.property(change, ({ at, byte }) => {
          const changed = Buffer.from(whole);
          changed[at] = (changed[at] ?? 0) ^ byte;
          if (findMismatch(request, changed) !== undefined) return;
          assert.ok(isData(request, at), `byte ${at} of ${changed.toString('hex')}`);
          assert.equal(typeof readable(decodeAnswer(request, changed)), typeof meaning);
        }),
        { numRuns: 500 },
      );
    });
  }

  it('tells a device that is busy, or wants time, apart from one that refuses', () => {
    const request = { function: 3, unit, address: 0, count: 1 } as const;
    for (const [number, code] of [
      [4, 'DEVICE_EXCEPTION'],
      [5, 'DEVICE_BUSY'],
      [6, 'DEVICE_BUSY'],
      [11, 'DEVICE_UNREACHABLE'],
    ] as const)
      assert.throws(() => decodeAnswer(request, Buffer.from([unit, 0x83, number])), { code });
  });

  it('keeps every bit in its place, however many are written and read', () => {
    const values = fc.array(fc.boolean(), { minLength: 1, maxLength: 1_968 });
    fc.assert(
      fc.property(values, (some) => {
        const sent = encodeRequest({ function: 15, unit, address: 7, values: some });
        const request = { function: 1, unit, address: 7, count: some.length } as const;
        const answer = Buffer.concat([Buffer.from([unit, 1]), sent.subarray(6)]);
        assert.equal(findMismatch(request, answer), undefined);
        assert.deepEqual(decodeAnswer(request, answer), some);
      }),
    );
  });
});

/** Where a wrong byte shows in the value and nowhere else: the data of a read, the texts and levels of an identification. */
function isData(request: Request, at: number): boolean {
  if (request.function === 43) return at >= 4;
  return at >= 3 && (request.function <= 4 || request.function === 23);
}

describe('the identification of a device', () => {
  const ask =
    (parts: readonly IdentificationPart[], asked: number[]) =>
    async ({ object }: IdentifyRequest): Promise<IdentificationPart> => {
      asked.push(object);
      const part = parts[asked.length - 1];
      if (part === undefined) throw new Error('asked too often');
      return part;
    };

  it('is asked for until nothing more follows', async () => {
    const asked: number[] = [];
    const parts = [
      { objects: new Map([[0, 'Acme']]), next: 1 },
      {
        objects: new Map([
          [1, 'P-1'],
          [2, 'V2'],
        ]),
      },
    ];
    const all = await readIdentification(ask(parts, asked), unit, 1);
    assert.deepEqual(
      [...all],
      [
        [0, 'Acme'],
        [1, 'P-1'],
        [2, 'V2'],
      ],
    );
    assert.deepEqual(asked, [0, 1]);
  });

  it('is given up where a device goes in circles', async () => {
    const part = { objects: new Map([[0, 'Acme']]), next: 0 };
    await assert.rejects(readIdentification(ask([part, part], []), unit, 1), { code: 'DEVICE_BAD_FRAME' });
  });
});
