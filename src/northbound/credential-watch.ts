import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import { Expiries } from '../runtime/expiries.ts';
import type { Log } from '../runtime/log.ts';
import type { WireSettings } from './dialect.ts';
import { areWhole, expiring, ownCertificate, stampOf } from './wire/credentials.ts';

/** How often it is looked whether files were renewed, and certificates are about to expire. */
const LOOK_MS = 60_000;

/** What a hub's connections are made with: when it expires, and whether something newer lies there. */
export class CredentialWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #expiries: Expiries;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#expiries = new Expiries(log, () => clock.nowMs());
  }

  /** By whose certificate it is: `own`, `server`; milliseconds since 1970. */
  get expiries(): Readonly<Record<string, number>> {
    return this.#expiries.validToMs;
  }

  /** Before an attempt. Resolves with the stamp of what it is made with. */
  async note(settings: WireSettings): Promise<string> {
    const own = await ownCertificate(settings);
    if (own !== undefined) this.#expiries.note('own', own);
    return await stampOf(settings);
  }

  /** The certificate that the hub showed. */
  trusted(certificate: X509Certificate, endpoint: string): void {
    this.#expiries.note('server', expiring(certificate, endpoint));
  }

  /** Resolves with true when something else, and whole, lies there than what has this stamp; with false when the session is over. */
  async renewed(settings: WireSettings, stamp: string, over: AbortSignal): Promise<boolean> {
    let told = stamp;
    for (;;) {
      await this.#clock.sleep(LOOK_MS, over).catch(() => {});
      if (over.aborted) return false;
      this.#expiries.look();
      const now = await stampOf(settings);
      if (now === stamp) continue;
      if (await areWhole(settings, this.#clock.nowMs())) return !over.aborted;
      if (now !== told) this.#log.warn('renewed credentials not usable', { certificate: settings.certificateFile });
      told = now;
    }
  }
}
