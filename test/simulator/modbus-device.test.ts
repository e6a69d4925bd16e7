import assert from 'node:assert/strict';
import { crc16, withCrc } from '../../src/simulator/crc16.ts';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { emptyMemory } from '../../src/simulator/modbus-memory.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function deviceWithRegisters(...values: number[]): SimulatedModbusDevice {
  const memory = emptyMemory();
  memory.holding.set(values);
  return new SimulatedModbusDevice({ memory });
}

describe('simulated Modbus device', () => {
  for (const [request, answer, what] of [
    ['03 00 6B 00 03', '03 06 00 6B 00 6C 00 6D', 'three holding registers, each its own address'],
    ['04 00 08 00 01', '04 02 00 08', 'one input register'],
    ['01 00 13 00 13', '01 03 55 55 05', 'nineteen coils, the first in the lowest bit'],
    ['02 00 C4 00 16', '02 03 AA AA 2A', 'twenty-two discrete inputs'],
    ['05 00 AC FF 00', '05 00 AC FF 00', 'a coil switched on'],
    ['06 00 01 00 03', '06 00 01 00 03', 'a register written'],
    ['0F 00 13 00 0A 02 CD 01', '0F 00 13 00 0A', 'ten coils written'],
    ['10 00 01 00 02 04 00 0A 01 02', '10 00 01 00 02', 'two registers written'],
    ['16 00 04 00 F2 00 25', '16 00 04 00 F2 00 25', 'a register masked'],
    ['08 00 00 A5 37', '08 00 00 A5 37', 'the loop-back test'],
  ] as const) {
    it(`answers ${what}`, () => assert.deepEqual(new SimulatedModbusDevice().answer(hex(request)), hex(answer)));
  }

  for (const [request, answer, what] of [
    ['63 00 00', 'E3 01', 'an unknown function'],
    ['03 FF FF 00 02', '83 02', 'registers behind the last'],
    ['03 00 00 00 7E', '83 03', '126 registers'],
    ['03 00 00 00 00', '83 03', 'no register at all'],
    ['01 00 00 07 D1', '81 03', '2001 coils'],
    ['05 00 00 12 34', '85 03', 'a coil value that is neither on nor off'],
    ['10 00 01 00 02 03 00 0A 01', '90 03', 'a byte count that does not fit the quantity'],
  ] as const) {
    it(`refuses ${what}`, () => assert.deepEqual(new SimulatedModbusDevice().answer(hex(request)), hex(answer)));
  }

  it('masks as the specification does: 0x12 and 0xF2 or 0x25 gives 0x17', () => {
    const masked = deviceWithRegisters(0, 0, 0, 0, 0x12);
    masked.answer(hex('16 00 04 00 F2 00 25'));
    assert.equal(masked.memory.holding[4], 0x17);
  });

  it('writes before it reads when a request does both', () => {
    const both = deviceWithRegisters();
    assert.deepEqual(both.answer(hex('17 00 00 00 02 00 01 00 01 02 12 34')), hex('17 04 00 00 12 34'));
  });

  it('counts what was written and keeps what was asked', () => {
    const counted = deviceWithRegisters();
    counted.answer(hex('06 00 01 00 03'));
    counted.answer(hex('03 00 01 00 01'));
    assert.equal(counted.writeCount, 1);
    assert.deepEqual(counted.requests, [hex('06 00 01 00 03'), hex('03 00 01 00 01')]);
  });

  it('keeps the newest requests in little memory, however long it runs', () => {
    const asked = deviceWithRegisters();
    for (let request = 0; request < 1_200; request += 1) {
      asked.answer(hex('03 00 01 00 01'));
      // What the process does between two requests.
      Buffer.allocUnsafe(20_000);
    }
    assert.equal(asked.requests.length, 1_000);
    const memory = new Set(asked.requests.map(({ buffer }) => buffer));
    assert.equal(
      [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0),
      5_000,
    );
  });

  it('answers exception 2 for a read that touches a hole', () => {
    const holed = new SimulatedModbusDevice({ missing: [{ table: 'holding', from: 10, to: 11 }] });
    assert.deepEqual(holed.answer(hex('03 00 08 00 02')), hex('03 04 00 08 00 09'));
    assert.deepEqual(holed.answer(hex('03 00 09 00 02')), hex('83 02'));
    assert.deepEqual(holed.answer(hex('03 00 0B 00 02')), hex('83 02'));
    assert.deepEqual(holed.answer(hex('03 00 0C 00 01')), hex('03 02 00 0C'));
  });
});

describe('identification of a simulated Modbus device', () => {
  const identity = new Map([
    [0, 'ACME'],
    [1, 'P7'],
    [2, '1.2'],
    [4, 'Press'],
    [0x80, 'x'],
  ]);
  const ask = (code: number, id: number, known: ReadonlyMap<number, string> = identity): Buffer =>
    new SimulatedModbusDevice({ identity: known }).answer(Buffer.of(0x2b, 0x0e, code, id));
  const BASIC = '00 04 41434D45 01 02 5037 02 03 312E32';

  for (const [code, id, answer, what] of [
    [1, 0, `2B 0E 01 83 00 00 03 ${BASIC}`, 'gives the basic objects'],
    [1, 1, '2B 0E 01 83 00 00 02 01 02 5037 02 03 312E32', 'goes on from an object'],
    [1, 9, `2B 0E 01 83 00 00 03 ${BASIC}`, 'begins anew for an object that is not there'],
    [2, 0, `2B 0E 02 83 00 00 04 ${BASIC} 04 05 5072657373`, 'gives the regular ones'],
    [3, 0, `2B 0E 03 83 00 00 05 ${BASIC} 04 05 5072657373 80 01 78`, 'gives all'],
    [4, 4, '2B 0E 04 83 00 00 01 04 05 5072657373', 'gives one by itself'],
    [4, 9, 'AB 02', 'has no such object'],
    [5, 0, 'AB 03', 'knows no such code'],
  ] as const) {
    it(`${what}: code ${code}, object ${id}`, () => assert.deepEqual(ask(code, id), hex(answer)));
  }

  it('refuses another MEI type', () => assert.deepEqual(new SimulatedModbusDevice().answer(hex('2B 0D 01 00')), hex('AB 01')));

  it('says with which object to go on where one answer has not room for all', () => {
    const long = new Map([0, 1, 2].map((id) => [id, 'x'.repeat(100)]));
    const first = ask(1, 0, long);
    assert.deepEqual(first.subarray(0, 7), hex('2B 0E 01 81 FF 02 02'));
    const rest = ask(1, 2, long);
    assert.deepEqual(rest.subarray(0, 9), hex('2B 0E 01 81 00 00 01 02 64'));
  });
});

describe('a simulated Modbus device that is not as it was', () => {
  it('answers exception 1 to a function that it does not know', () => {
    const plain = new SimulatedModbusDevice({ functions: [3, 6, 16] });
    assert.deepEqual(plain.answer(hex('16 00 04 00 F2 00 25')), hex('96 01'));
    assert.deepEqual(plain.answer(hex('03 00 04 00 01')), hex('03 02 00 04'));
  });

  it('has another register map from one moment to the next', () => {
    const changed = new SimulatedModbusDevice();
    changed.missing = [{ table: 'holding', from: 4, to: 4 }];
    assert.deepEqual(changed.answer(hex('03 00 04 00 01')), hex('83 02'));
    changed.missing = [];
    assert.deepEqual(changed.answer(hex('03 00 04 00 01')), hex('03 02 00 04'));
  });

  it('runs its program before each request', () => {
    const counting = new SimulatedModbusDevice({ program: ({ holding }) => holding.fill((holding[0] ?? 0) + 1, 0, 1) });
    assert.deepEqual(counting.answer(hex('03 00 00 00 01')), hex('03 02 00 01'));
    assert.deepEqual(counting.answer(hex('03 00 00 00 01')), hex('03 02 00 02'));
  });
});

describe('CRC of a Modbus frame', () => {
  it('has the check value of CRC-16/MODBUS', () => assert.equal(crc16(Buffer.from('123456789')), 0x4b37));

  for (const [frame, crc] of [
    ['01 03 00 00 00 0A', 'C5 CD'],
    ['01 04 02 FF FF', 'B8 80'],
    ['11 03 00 6B 00 03', '76 87'],
    ['01 06 00 01 00 03', '98 0B'],
    ['00 10 00 01 00 02 04 00 0A 01 02', '96 CC'],
    ['01 83 02', 'C0 F1'],
    ['01 16 00 04 00 F2 00 25', '67 EE'],
    ['01 17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF', '46 91'],
    ['01 08 00 00 A5 37', 'DA 8D'],
    ['01 2B 0E 01 00', '70 77'],
  ] as const) {
    it(`of ${frame} is ${crc}`, () => assert.deepEqual(withCrc(hex(frame)), hex(frame + crc)));
  }
});
