import { systemTime, type TimeSource } from '../../src/runtime/time-source.ts';

/** A machine whose clock goes wrong by `shiftMs`, while time passes as it does. */
export class ShiftedTime implements TimeSource {
  readonly #real = systemTime();
  readonly boot: string;
  shiftMs: number;

  constructor(boot: string, shiftMs: number) {
    this.boot = boot;
    this.shiftMs = shiftMs;
  }

  wallMs(): number {
    return this.#real.wallMs() + this.shiftMs;
  }

  sinceBootMs(): number {
    return this.#real.sinceBootMs();
  }

  isSet(): undefined {}
}
