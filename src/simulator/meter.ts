import { SimulatedModbusDevice } from './modbus-device.ts';
import { emptyMemory, float32, putRegisters, uint64 } from './modbus-memory.ts';
import { jitter, type Random } from './random.ts';

/** Register list of the meter; numbers count from 0. The last register of a value comes first, as with many meters. */
export const METER = {
  /** float32, volt */
  voltageInput: 0,
  /** float32, ampere */
  currentInput: 2,
  /** float32, watt */
  powerInput: 4,
  /** uint64, watt hours */
  energyInput: 8,
} as const;

/** An energy meter on a serial line. */
export class SimulatedMeter {
  readonly device = new SimulatedModbusDevice({ memory: emptyMemory() });
  readonly #random: Random;
  #ampere: number;
  /** Past 2^53, where numbers of the usual kind begin to skip. */
  #wattHours = 9_007_199_254_741_003n;
  #restWattHours = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#ampere = 10 + random() * 20;
    this.step(0);
  }

  step(elapsedMs: number): void {
    const volt = 230 + jitter(this.#random, 1.5);
    this.#ampere = Math.max(0, this.#ampere + jitter(this.#random, 0.3));
    const watt = volt * this.#ampere;
    this.#restWattHours += (watt * elapsedMs) / 3_600_000;
    const whole = Math.floor(this.#restWattHours);
    this.#restWattHours -= whole;
    this.#wattHours += BigInt(whole);

    const { input } = this.device.memory;
    putRegisters(input, METER.voltageInput, float32(volt), 'little-endian');
    putRegisters(input, METER.currentInput, float32(this.#ampere), 'little-endian');
    putRegisters(input, METER.powerInput, float32(watt), 'little-endian');
    putRegisters(input, METER.energyInput, uint64(this.#wattHours), 'little-endian');
  }
}
