import type { TimeSource } from '../../src/runtime/time-source.ts';

/** A machine whose clock a test sets by hand; time goes on only when told. */
export class HandTime implements TimeSource {
  boot = 'boot-1';
  setState: boolean | undefined;
  #wallMs: number;
  #sinceBootMs = 1_000;

  constructor(wallMs: number) {
    this.#wallMs = wallMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  sinceBootMs(): number {
    return this.#sinceBootMs;
  }

  isSet(): boolean | undefined {
    return this.setState;
  }

  pass(ms: number): void {
    this.#wallMs += ms;
    this.#sinceBootMs += ms;
  }

  set(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  reboot(wallMs: number): void {
    this.boot = `${this.boot}+`;
    this.#sinceBootMs = 0;
    this.#wallMs = wallMs;
  }
}
