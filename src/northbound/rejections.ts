import { type ErrorCode, GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { Log } from '../runtime/log.ts';
import type { SpoolReader } from '../spool/spool.ts';

/** Errors after which a message is never sent again, and the reason in its gap record. */
const REASONS: Partial<Record<ErrorCode, string>> = { HUB_MESSAGE_REJECTED: 'rejected', HUB_MESSAGE_TOO_LARGE: 'too-large' };

export function isRejection({ code }: GatewayError): boolean {
  return REASONS[code] !== undefined;
}

/** Has the spool declare what a hub will never take. */
export class Rejections {
  readonly #reader: SpoolReader;
  readonly #log: Log;
  #count = 0;

  constructor({ reader, log }: { readonly reader: SpoolReader; readonly log: Log }) {
    this.#reader = reader;
    this.#log = log;
  }

  get count(): number {
    return this.#count;
  }

  /** False where the disk did not take it: the message is not done with then. */
  async add(stored: Stored, error: GatewayError): Promise<boolean> {
    const { offset, sequence, message } = stored;
    const { twin } = message;
    this.#count += 1;
    this.#log.warn('message rejected', { twin, offset, sequence, code: error.code, reason: error.message });
    try {
      await this.#reader.reject(stored, REASONS[error.code] ?? 'rejected');
      return true;
    } catch (cause) {
      const fault = new GatewayError('SPOOL_WRITE', twin, 'see cause', { cause });
      this.#log.error('rejection not recorded', { twin, offset, error: fault });
      return false;
    }
  }
}
