import assert from 'node:assert/strict';
import { valueRig } from './value-rig.ts';

const text = (keys: Readonly<Record<string, unknown>> = {}) => valueRig({ type: 'string', length: 3, ...keys });

describe('text in Modbus registers', () => {
  it('ends at its first NUL and has no blanks behind, where nothing else is said', () => {
    assert.equal(text().read('4142 0043 4445'), 'AB');
    assert.equal(text().read('2041 4220 2020'), ' AB');
  });

  it('is trimmed on the side that the mapping names', () => {
    assert.equal(text({ trim: 'start' }).read('0000 2041 4220'), 'AB ');
    assert.equal(text({ trim: 'both' }).read('0020 4142 2000'), 'AB');
    assert.equal(text({ trim: 'none' }).read('4142 0020 0000'), 'AB\0 \0\0');
  });

  it('has its bytes swapped, and never its registers', () => {
    assert.equal(text({ byteOrder: 'little-endian', wordOrder: 'little-endian' }).read('4241 4443 0045'), 'ABCDE');
    assert.equal(text({ byteOrder: 'little-endian' }).write('ABCDE'), '4241 4443 0045');
  });

  it('replaces bytes that are no UTF-8, and shows every byte as latin1', () => {
    assert.equal(text().read('4DFC 6C6C 6572'), 'M\uFFFDller');
    assert.equal(text({ encoding: 'latin1' }).read('4DFC 6C6C 6572'), 'Müller');
    assert.equal(text({ encoding: 'latin1' }).write('Müller'), '4DFC 6C6C 6572');
    assert.equal(text().read('C3BC 4142 4344'), 'üABCD');
  });

  it('of one character a register is utf16, whichever half it lies in', () => {
    assert.equal(text({ encoding: 'utf16' }).read('0041 0042 0000'), 'AB');
    assert.equal(text({ encoding: 'utf16', byteOrder: 'little-endian' }).read('4100 4200 0000'), 'AB');
    assert.equal(text({ encoding: 'utf16' }).write('Äß'), '00C4 00DF 0000');
    assert.equal(text({ encoding: 'utf16' }).read('D800 0041 0000'), '\uFFFDA');
  });

  it('is written with NULs behind it, or with blanks before it where blanks begin the texts of the device', () => {
    assert.equal(text().write('AB'), '4142 0000 0000');
    assert.equal(text({ trim: 'start' }).write('AB'), '2020 2020 4142');
  });

  for (const [what, keys, value, code] of [
    ['longer than its registers', {}, 'ABCDEFG', 'VALUE_OUT_OF_RANGE'],
    ['whose UTF-8 is longer than its registers', {}, 'ÄÄÄÄ', 'VALUE_OUT_OF_RANGE'],
    ['that latin1 does not have', { encoding: 'latin1' }, '€', 'VALUE_OUT_OF_RANGE'],
    ['that is a number', {}, 5, 'VALUE_TYPE'],
  ] as const) {
    it(`is not written ${what}`, () => {
      assert.throws(() => text(keys).write(value), { code, subject: 'device/point' });
    });
  }
});
