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
  }
}
