import assert from 'node:assert/strict';
import { characterMs, silentIntervalMs, wireMs } from '../../../connectors/modbus/protocol/timing.ts';

describe('time on a serial line', () => {
  const TABLE: readonly (readonly [baudRate: number, characterMs: number, silenceMs: number])[] = [
    [1_200, 9.167, 32.08],
    [9_600, 1.146, 4.01],
    [19_200, 0.573, 2.005],
    [38_400, 0.286, 1.75],
    [115_200, 0.095, 1.75],
  ];
  for (const [baudRate, character, silence] of TABLE) {
    it(`is ${character} ms a character and ${silence} ms between frames at ${baudRate} baud`, () => {
      assert.ok(Math.abs(characterMs({ baudRate, parity: 'even', stopBits: 1 }) - character) < 0.001);
      assert.ok(Math.abs(silentIntervalMs(baudRate) - silence) < 0.01);
    });
  }

  it('is 10 bits a character without parity and with one stop bit, or with parity and seven bits of data', () => {
    assert.equal(characterMs({ baudRate: 10_000, parity: 'none', stopBits: 1 }), 1);
    assert.equal(characterMs({ baudRate: 10_000, dataBits: 7, parity: 'even', stopBits: 1 }), 1);
  });

  it('allows 21.8 reads of ten registers a second at 9600 baud', () => {
    const speed = { baudRate: 9_600, parity: 'even', stopBits: 1 } as const;
    assert.ok(Math.abs(1_000 / (wireMs(8 + 25, speed) + 2 * silentIntervalMs(9_600)) - 21.8) < 0.1);
  });
});
