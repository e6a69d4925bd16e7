import { SimulatedModbusDevice } from './modbus-device.ts';
import { emptyMemory, float32, putRegisters, uint32 } from './modbus-memory.ts';
import { jitter, type Random } from './random.ts';

/** Register list of the press; numbers count from 0. */
export const PRESS = {
  /** int16, tenths of a degree Celsius */
  oilTemperatureInput: 12,
  /** uint16, strokes a minute */
  speedInput: 14,
  /** uint32, big-endian words */
  strokesInput: 20,
  /** uint16, strokes a minute, writable */
  speedSetpointHolding: 40,
  /** float32, ampere, big-endian words */
  motorCurrentHolding: 100,
  emergencyStopCoil: 4,
  /** Status word: bit 0 running, bit 1 at its speed, bits 4 to 7 mode (0 stopped, 1 automatic) */
  statusInput: 30,
  /** Eight registers of latin1 text */
  serialNumberInput: 40,
  /** BCD: YYMM DDhh mmss, UTC */
  clockInput: 50,
  /** Three uint32 in BCD, low word first: strokes of the morning, late and night shift */
  shiftStrokesInput: 60,
  /** int16, bar; the register behind it is its power of ten */
  oilPressureInput: 70,
  /** int16; 8000 because no sensor is fitted */
  waterFlowInput: 72,
  /** Signal lamp: bit 0 on, bits 4 to 7 how (0 steady, 1 slow, 2 fast), writable */
  lampHolding: 42,
} as const;

/** A hydraulic press: its speed follows the setpoint, the current follows the speed, the oil warms up slowly. */
export class SimulatedPress {
  readonly device = new SimulatedModbusDevice({ memory: emptyMemory() });
  readonly #random: Random;
  #speed = 600;
  #oilCelsius = 48;
  #strokes = 120_000;

  constructor(random: Random) {
    this.#random = random;
    this.device.memory.holding[PRESS.speedSetpointHolding] = 600;
    putRegisters(this.device.memory.input, PRESS.serialNumberInput, Buffer.from('PX-7 Köln\0'.padEnd(16, '\0'), 'latin1'));
    this.device.memory.input[PRESS.waterFlowInput] = 0x8000;
    this.step(0);
  }

  step(elapsedMs: number): void {
    const { coil, holding, input } = this.device.memory;
    const isStopped = coil[PRESS.emergencyStopCoil] === 1;
    const target = isStopped ? 0 : (holding[PRESS.speedSetpointHolding] ?? 0);
    this.#speed += (target - this.#speed) * Math.min(1, elapsedMs / 2_000);
    this.#strokes += (this.#speed * elapsedMs) / 60_000;
    const warmest = 40 + this.#speed / 50;
    this.#oilCelsius += ((warmest - this.#oilCelsius) * elapsedMs) / 60_000 + jitter(this.#random, 0.05);
    const ampere = 4 + this.#speed / 25 + jitter(this.#random, 1.5);

    input[PRESS.oilTemperatureInput] = Math.round(this.#oilCelsius * 10);
    input[PRESS.speedInput] = Math.round(this.#speed);
    putRegisters(input, PRESS.strokesInput, uint32(Math.floor(this.#strokes)));
    putRegisters(holding, PRESS.motorCurrentHolding, float32(ampere));
    this.#showPanel(isStopped, target);
  }

  /** What is there to be read in every form that registers have. */
  #showPanel(isStopped: boolean, target: number): void {
    const { input } = this.device.memory;
    const isAtSpeed = Math.abs(this.#speed - target) < 5;
    input[PRESS.statusInput] = Number(this.#speed > 1) | (Number(isAtSpeed) << 1) | (Number(!isStopped) << 4);
    const digits = new Date().toISOString().replace(/\D/g, '').slice(2, 14);
    putRegisters(input, PRESS.clockInput, Buffer.from(digits, 'hex'));
    for (const [shift, share] of [0.5, 0.3, 0.2].entries()) {
      const strokes = String(Math.floor(this.#strokes * share)).padStart(8, '0');
      putRegisters(input, PRESS.shiftStrokesInput + 2 * shift, Buffer.from(strokes, 'hex'), 'little-endian');
    }
    input[PRESS.oilPressureInput] = Math.round(18_000 + this.#speed);
    input[PRESS.oilPressureInput + 1] = 0x1_0000 - 2;
  }
}
