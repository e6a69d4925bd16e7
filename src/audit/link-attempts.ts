import type { ErrorCode, GatewayError } from '../model/error.ts';
import type { Fields } from './audit-line.ts';
import type { FloodGate } from './flood-gate.ts';

/** Of one that flaps: so many changes are written at once, and then one in three minutes. */
export const FLAPS = { burst: 20, perSecond: 1 / 180 };
/** One that stays away is told again so often. */
const REMIND_MS = 3_600_000;
/** Somebody is not believed to be who he says. */
const AUTHENTICATION: readonly ErrorCode[] = ['HUB_UNAUTHORIZED', 'HUB_UNTRUSTED', 'LINK_UNAUTHORIZED', 'LINK_UNTRUSTED'];

export interface LinkAttemptsOptions {
  readonly kind: 'hub' | 'connection';
  readonly name: string;
  readonly endpoint: () => string;
  /** For `FLAPS`, shared by all; what it holds back is told with the next entry. */
  readonly flaps: FloodGate;
  readonly monotonicMs: () => number;
  readonly tell: (kind: string, fields: Fields) => void;
}

/** Each change is told; the same failure again and again is counted, and told now and then. */
export class LinkAttempts {
  readonly #options: LinkAttemptsOptions;
  #told = '';
  #toldMs = 0;
  #attempts = 0;

  constructor(options: LinkAttemptsOptions) {
    this.#options = options;
  }

  succeeded(): void {
    this.#write(this.#options.kind, 'up', {});
  }

  failed(state: 'lost' | 'refused', { code, message }: GatewayError): void {
    this.#attempts += 1;
    const nowMs = this.#options.monotonicMs();
    if (this.#told === `${state} ${code}` && nowMs - this.#toldMs < REMIND_MS) return;
    this.#write(AUTHENTICATION.includes(code) ? 'authentication' : this.#options.kind, state, { code, reason: message });
    this.#told = `${state} ${code}`;
    this.#toldMs = nowMs;
  }

  #write(kind: string, state: string, fields: Fields): void {
    const { kind: of, name, endpoint, flaps, tell } = this.#options;
    const heldBack = flaps.pass(`${of} ${name}`);
    const attempts = this.#attempts > 1 ? { attempts: this.#attempts } : {};
    this.#told = '';
    this.#attempts = 0;
    if (heldBack === undefined) return;
    const untold = heldBack === 0 ? {} : { notWrittenBefore: heldBack };
    tell(kind, { [of]: name, endpoint: endpoint(), state, ...fields, ...attempts, ...untold });
  }
}
