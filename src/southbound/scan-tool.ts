import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

/** What is looked for; a protocol takes what it has a use for. */
export interface ScanOptions {
  readonly units?: readonly number[];
  readonly baudRates?: readonly number[];
  readonly parities?: readonly ('none' | 'even' | 'odd')[];
  readonly timeoutMs?: number;
  /** Addresses of every table to be tried, both ends included; absent: none. */
  readonly ranges?: { readonly from: number; readonly to: number };
}

export interface ScanRequest {
  /** `modbus-tcp://10.0.0.5:502` */
  readonly target: string;
  readonly options: ScanOptions;
  /** As a connector gets it. */
  readonly context: { readonly log: Log; readonly clock: Clock; readonly gatewayId: string; readonly stateDirectory: string };
  readonly signal: AbortSignal;
}

/** Told as it happens. `found` and `range` are findings; `trying` and `damaged` are told on the way; `plan` is first, `done` last. */
export interface ScanEvent {
  readonly kind: 'plan' | 'trying' | 'found' | 'range' | 'damaged' | 'done';
  /** One line for people. */
  readonly text: string;
  /** The same for programs, as plain JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}
