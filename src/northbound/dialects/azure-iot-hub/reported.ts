import { GatewayError } from '../../../model/error.ts';
import type { JsonValue } from '../../../model/value.ts';
import type { Line } from '../../dialect.ts';
import { isObject, type JsonObject, joinPatches, mergePatch } from './json.ts';
import { PATCH_REPORTED } from './topics.ts';
import type { TwinRequests } from './twin-requests.ts';
import { MAX_TWIN_BYTES, twinBytes } from './twin-value.ts';

/** A patch is far below what a message may have. */
const MAX_PATCH_BYTES = 32_000;
/** How long a patch that nobody waits for is kept back when the hub throttles. */
const THROTTLED_WAIT_MS = 10_000;

export interface PatchPace {
  readonly atMostEveryMs: number;
  /** So many that wait would keep other messages from being sent: they go at once. */
  readonly hurryAt: number;
}

interface Part {
  readonly patch: JsonObject;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
}

/**
 * The reported properties of one device, patched in one session. There is no order among patches under way, so one waits for the
 * answer to the one before; what comes meanwhile goes together.
 */
export class Reported {
  readonly #line: Line;
  readonly #requests: TwinRequests;
  readonly #pace: PatchPace;
  #hurry = new AbortController();
  #document: JsonObject = {};
  #parts: Part[] = [];
  #isSending = false;
  /** After a refusal: which of the parts was it? */
  #alone = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(line: Line, requests: TwinRequests, pace: PatchPace) {
    this.#line = line;
    this.#requests = requests;
    this.#pace = pace;
  }

  /** What the hub holds, as far as we know. */
  get document(): JsonObject {
    return this.#document;
  }

  begin(document: JsonObject): void {
    this.#document = document;
  }

  /** Whether the twin can hold it beside what it holds. */
  hasRoomFor(patch: JsonObject): boolean {
    const soon = this.#parts.reduce<JsonValue>((document, part) => mergePatch(document, part.patch), this.#document);
    return twinBytes(mergePatch(soon, patch)) <= MAX_TWIN_BYTES;
  }

  /** Resolves when the hub has it. Rejects with HUB_MESSAGE_REJECTED, HUB_THROTTLED or the cause of the loss. */
  report(patch: JsonObject): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parts.push({ patch, bytes: Buffer.byteLength(JSON.stringify(patch)), resolve, reject });
      if (this.#isPressing) this.#hurry.abort();
      if (!this.#isSending) void this.#send();
    });
  }

  /** As `report`, for what nobody waits for: tries again while the hub throttles. Rejects like `report` otherwise. */
  async insist(patch: JsonObject): Promise<void> {
    for (;;) {
      try {
        await this.report(patch);
        return;
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== 'HUB_THROTTLED') throw error;
        await this.#line.clock.sleep(THROTTLED_WAIT_MS, this.#line.over);
      }
    }
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    while (this.#parts.length > 0) {
      await this.#pause();
      const parts = this.#take();
      try {
        await this.#patch(parts);
        for (const { resolve } of parts) resolve();
      } catch (error) {
        this.#refused(parts, error as GatewayError);
      }
    }
    this.#isSending = false;
  }

  get #isPressing(): boolean {
    return this.#parts.length >= this.#pace.hurryAt;
  }

  async #pause(): Promise<void> {
    const { clock, over } = this.#line;
    const leftMs = this.#lastMs + this.#pace.atMostEveryMs - clock.monotonicMs();
    this.#hurry = new AbortController();
    if (leftMs > 0 && !this.#isPressing) await clock.sleep(leftMs, AbortSignal.any([over, this.#hurry.signal])).catch(() => {});
    this.#lastMs = clock.monotonicMs();
  }

  #take(): readonly Part[] {
    let count = 0;
    for (let bytes = 0; count < this.#parts.length; count += 1) {
      bytes += this.#parts[count]?.bytes ?? 0;
      if (count > 0 && (bytes > MAX_PATCH_BYTES || this.#alone > 0)) break;
    }
    this.#alone = Math.max(0, this.#alone - 1);
    return this.#parts.splice(0, count);
  }

  async #patch(parts: readonly Part[]): Promise<void> {
    const patch = parts.reduce<JsonObject>((joined, part) => joinPatches(joined, part.patch) as JsonObject, {});
    const { status, payload } = await this.#requests.ask(PATCH_REPORTED, Buffer.from(JSON.stringify(patch)));
    if (status >= 200 && status < 300) {
      const merged = mergePatch(this.#document, patch);
      if (isObject(merged)) this.#document = merged;
      return;
    }
    const isPassing = status === 429 || status >= 500;
    const text = `the hub answers ${status} to reported properties ${Buffer.from(payload).toString('utf8').slice(0, 200)}`.trim();
    throw new GatewayError(isPassing ? 'HUB_THROTTLED' : 'HUB_MESSAGE_REJECTED', this.#line.subject, text);
  }

  #refused(parts: readonly Part[], error: GatewayError): void {
    if (error.code === 'HUB_MESSAGE_REJECTED' && parts.length > 1) {
      this.#parts.unshift(...parts);
      this.#alone = parts.length;
      return;
    }
    for (const { reject } of parts) reject(error);
  }
}
