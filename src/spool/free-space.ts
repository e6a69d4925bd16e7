import type { FileSystem } from './file-system.ts';
import type { SpoolEvent } from './spool.ts';

export interface FreeSpaceOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** 0: there is no floor, and nothing is looked at. */
  readonly keepFreeBytes: number;
  readonly monotonicMs: () => number;
  readonly onEvent: (event: SpoolEvent) => void;
}

const LOOK_EVERY_MS = 1_000;
/** Of the floor: what the spool gives back itself must not make it grow again. */
const ENOUGH = 1.1;

/**
 * The floor under the free bytes of the disk that the spool is on, whoever filled it. Below it the spool does not grow; what it
 * holds is kept, for throwing it away would help others only. Looked at once a second at most.
 */
export class FreeSpace {
  readonly #options: FreeSpaceOptions;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #isLow = false;
  #roomBytes: number | undefined;

  constructor(options: FreeSpaceOptions) {
    this.#options = options;
  }

  /** As last seen. */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** Free bytes beyond those that are to be kept, as last seen; `undefined`: not looked at. */
  get roomBytes(): number | undefined {
    return this.#roomBytes;
  }

  async look(): Promise<boolean> {
    const { fileSystem, directory, keepFreeBytes, monotonicMs } = this.#options;
    if (keepFreeBytes === 0 || monotonicMs() - this.#lookedMs < LOOK_EVERY_MS) return this.#isLow;
    this.#lookedMs = monotonicMs();
    // A disk that does not tell has other troubles, which show by themselves.
    const freeBytes = await fileSystem.freeBytes(directory).catch(() => Number.POSITIVE_INFINITY);
    this.#saw(freeBytes);
    return this.#isLow;
  }

  #saw(freeBytes: number): void {
    const { directory, keepFreeBytes, onEvent } = this.#options;
    this.#roomBytes = Number.isFinite(freeBytes) ? Math.max(0, freeBytes - keepFreeBytes) : undefined;
    const isLow = freeBytes < (this.#isLow ? keepFreeBytes * ENOUGH : keepFreeBytes);
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    const action = 'make room on that disk, or lower `spool.keepFree`; until then the spool does not grow';
    if (isLow) onEvent({ level: 'warn', event: 'disk space low', fields: { directory, freeBytes, keepFreeBytes, action } });
    else onEvent({ level: 'info', event: 'disk space recovered', fields: { directory } });
  }
}
