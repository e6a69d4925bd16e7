import type { Log } from './log.ts';

export interface ExpiringCertificate {
  /** Where it lies, or who showed it. */
  readonly file: string;
  readonly subject: string;
  /** Fingerprint; tells one certificate from another. */
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly validToMs: number;
}

/** Early enough for somebody to act. */
export const WARN_BEFORE_MS = 60 * 86_400_000;
/** A connection may be tried every minute. A little less than a day, so that a daily look is never one too early. */
const WARN_AGAIN_MS = 23 * 3_600_000;

/** Certificates that one connection depends on. */
export class Expiries {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #known = new Map<string, ExpiringCertificate>();
  readonly #warned = new Map<string, number>();

  constructor(log: Log, nowMs: () => number = Date.now) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** `whose`: `own`, `server`; one certificate each. Warns where it expires soon, at most once a day. */
  note(whose: string, certificate: ExpiringCertificate): void {
    this.#known.set(whose, certificate);
    this.#warn(certificate);
  }

  /** To be called each day: a session may live for years. */
  look(): void {
    for (const certificate of this.#known.values()) this.#warn(certificate);
  }

  /** By whose it is, milliseconds since 1970. */
  get validToMs(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#known].map(([whose, { validToMs }]) => [whose, validToMs]));
  }

  describe(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      [...this.#known].map(([whose, { subject, sha256, validToMs }]) => [
        whose,
        { subject, sha256, validTo: new Date(validToMs).toISOString(), isExpiring: validToMs <= this.#nowMs() + WARN_BEFORE_MS },
      ]),
    );
  }

  #warn({ file, subject, sha256, validToMs }: ExpiringCertificate): void {
    const nowMs = this.#nowMs();
    if (validToMs > nowMs + WARN_BEFORE_MS) return;
    if (nowMs - (this.#warned.get(sha256) ?? Number.NEGATIVE_INFINITY) < WARN_AGAIN_MS) return;
    this.#warned.set(sha256, nowMs);
    this.#log.warn('certificate expiry neared', { certificate: file, subject, valid_to: new Date(validToMs).toISOString() });
  }
}
