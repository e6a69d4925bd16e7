import type { MessageClass, Stored } from '../model/twin-message.ts';
import { bytesOf, kindOf, SuspectKinds } from './suspect-kinds.ts';

/** So often in a row the hub must hang up at a message alone before others go first. */
const HANG_UPS = 3;
/** Where one like it is held back already. */
const HANG_UPS_OF_ITS_KIND = 2;
/** So often it must hang up again, each time after it took others on the same connection. */
const TRIALS = 3;
const OTHERS = 8;
/** A connection that others keep that long does not end by itself; nor does it count as one that comes and goes when it ends then. */
export const TRIAL_AFTER_MS = 30_000;
/** Where hardly anything else is there to be taken it is tried all the same, less and less often: a connection that lasted so long says enough. */
const LONGEST_MS = 300_000;
/** So many are held back while nothing is taken at all; then it is not the messages, and they go in order again. */
const MOST_UNPROVEN = 8;
const MOST_HELD = 1_000;
const MOST_HELD_BYTES = 8 * 1024 * 1024;
/** After so many others a trial need not wait: what is taken behind a message that is held back is remembered one by one. */
const MANY_OTHERS = 10_000;
/** So many of one kind were given up, each tried by itself, before one that is tried speaks for those that wait with it. */
const VERDICTS = 3;

interface Suspect {
  readonly stored: Stored;
  readonly kind: string;
  readonly bytes: number;
  /** Of a kind at which the hub has hung up before: held back before it was sent. */
  readonly isPresumed: boolean;
  /** The hub took another and then hung up at it. */
  isProven: boolean;
  trials: number;
}

/**
 * A hub that cannot refuse a message hangs up at it (MQTT 3.1.1 §4.8), and would for ever, with everything waiting behind it. A hub that
 * comes and goes hangs up, too, whatever is sent. What tells them apart is what the hub does with others: a message at which it hung up
 * again and again, alone in flight, is held back; where others are taken then, it is tried now and then behind them, and given up when the
 * hub took them and hung up at it each time. Nothing is given up where nothing else is taken.
 */
export class Suspects {
  readonly #held = new Map<string, Suspect>();
  #heldBytes = 0;
  readonly #kinds = new SuspectKinds();
  #alone: { readonly key: string; readonly times: number } | undefined;
  /** In this session. */
  #taken = 0;
  #hungUpAt: Stored[] = [];
  #tried: Suspect | undefined;
  /** When it was tried the connection had lasted so long that it is no accident that it ended then. */
  #isLate = false;
  /** In a row that said little. */
  #idleTrials = 0;
  #isTurnOfUnproven = false;
  #isWary = false;

  get held(): number {
    return this.#held.size;
  }

  /** The last session ended while messages were under way: the next one sends them one by one, so that it is seen at which. */
  get isWary(): boolean {
    return this.#isWary;
  }

  get #isFull(): boolean {
    return this.#held.size >= MOST_HELD || this.#heldBytes >= MOST_HELD_BYTES;
  }

  /** `ageMs`: of the session. Where nothing was taken when something was held back, the hub may have hung up at it by chance. */
  isTrialDue(ageMs: number): boolean {
    return this.#dueUnproven() !== undefined || (this.#held.size > 0 && this.#isRipe(ageMs));
  }

  /** After the beginning of a session, whether others were taken or not. */
  get trialAtLastMs(): number {
    return Math.min(LONGEST_MS, TRIAL_AFTER_MS * 2 ** this.#idleTrials);
  }

  sessionBegan(): void {
    this.#taken = 0;
    this.#hungUpAt = [];
    this.#tried = undefined;
    this.#isTurnOfUnproven = !this.#isTurnOfUnproven;
  }

  /** Whether it is not to be sent now; `no-room`: nor is what stands behind it. */
  holdsBack(stored: Stored): boolean | 'no-room' {
    const suspect = this.#held.get(keyOf(stored));
    if (suspect !== undefined) return suspect.isProven || !this.#isTurnOfUnproven || this.#taken > 0;
    if (!this.#kinds.covers(stored)) return false;
    if (this.#isFull) return 'no-room';
    this.#hold(stored, { isPresumed: true, isProven: true });
    return true;
  }

  took(stored: Stored): void {
    this.#taken += 1;
    const key = keyOf(stored);
    if (this.#alone?.key === key) this.#alone = undefined;
    const suspect = this.#held.get(key);
    if (suspect === undefined) return;
    this.#release(key);
    this.#idleTrials = 0;
    this.#lift(suspect.kind);
  }

  /** The hub has answered otherwise than by hanging up. */
  answered(stored: Stored): void {
    this.#release(keyOf(stored));
  }

  /** The spool has dropped what stood before. */
  forgetBefore(name: MessageClass, first: number): void {
    for (const [key, { stored }] of this.#held) if (stored.class === name && stored.offset < first) this.#release(key);
  }

  /** It was under way when the hub hung up. */
  hungUp(stored: Stored): void {
    this.#hungUpAt.push(stored);
  }

  /** The next to be sent alone, nothing else being under way; `undefined`: none is due. */
  nextTrial(ageMs: number): Stored | undefined {
    this.#isLate = ageMs >= LONGEST_MS;
    this.#tried = this.#dueUnproven() ?? (this.#isRipe(ageMs) ? this.#held.values().next().value : undefined);
    return this.#tried?.stored;
  }

  /** What is to be given up now; it is held back until `givenUp`. `onHeld` is told what is held back from now on. */
  sessionOver(onHeld: (stored: Stored) => void): readonly Stored[] {
    this.#isWary = this.#hungUpAt.length > 0;
    const [stored, another] = this.#hungUpAt;
    if (stored === undefined || another !== undefined) return [];
    const suspect = this.#held.get(keyOf(stored));
    if (suspect !== undefined) return suspect === this.#tried ? this.#tell(suspect) : [];
    if (this.#isAloneOftenEnough(stored)) this.#suspect(stored, onHeld);
    return [];
  }

  givenUp(stored: Stored): void {
    const suspect = this.#held.get(keyOf(stored));
    if (suspect === undefined) return;
    this.#release(keyOf(stored));
    this.#kinds.gaveUp(suspect.kind, suspect.bytes);
  }

  #isAloneOftenEnough(stored: Stored): boolean {
    const key = keyOf(stored);
    const times = this.#alone?.key === key ? this.#alone.times + 1 : 1;
    this.#alone = { key, times };
    // Is there anything that it takes? That is soon seen.
    if (this.#firstUnproven() !== undefined) return true;
    const kind = kindOf(stored);
    return times >= (this.#kinds.has(kind) || this.#heldOf(kind).length > 0 ? HANG_UPS_OF_ITS_KIND : HANG_UPS);
  }

  #suspect(stored: Stored, onHeld: (stored: Stored) => void): void {
    const unproven = [...this.#held].filter(([, { isProven }]) => !isProven);
    this.#alone = undefined;
    if (unproven.length >= MOST_UNPROVEN) {
      for (const [key] of unproven) this.#release(key);
      return;
    }
    this.#hold(stored, { isPresumed: false, isProven: false });
    this.#isTurnOfUnproven = true;
    onHeld(stored);
  }

  #hold(stored: Stored, more: Pick<Suspect, 'isPresumed' | 'isProven'>): void {
    const bytes = bytesOf(stored);
    this.#heldBytes += bytes;
    this.#held.set(keyOf(stored), { stored, kind: kindOf(stored), bytes, trials: 0, ...more });
  }

  #release(key: string): void {
    this.#heldBytes -= this.#held.get(key)?.bytes ?? 0;
    this.#held.delete(key);
  }

  /** After a trial at which the hub hung up. */
  #tell(suspect: Suspect): readonly Stored[] {
    const wasProven = suspect.isProven;
    suspect.isProven = true;
    if (!wasProven) {
      const proven = this.#heldOf(suspect.kind).filter(({ isProven }) => isProven);
      this.#kinds.proved(
        suspect.kind,
        proven.map(({ bytes }) => bytes),
      );
      return [];
    }
    if (this.#taken < (this.#isLate ? 1 : OTHERS) && !this.#isFull) {
      this.#idleTrials += 1;
      this.#lift(suspect.kind);
      return [];
    }
    suspect.trials += 1;
    const verdicts = this.#kinds.verdicts(suspect.kind);
    if (suspect.trials < (suspect.isPresumed && verdicts > 0 ? 1 : TRIALS)) return [];
    if (verdicts < VERDICTS) return [suspect.stored];
    const ofItsKind = this.#heldOf(suspect.kind).filter(({ isPresumed }) => isPresumed);
    return [...new Set([suspect, ...ofItsKind])].map(({ stored }) => stored);
  }

  /** What is held back unsent is let go where there is nothing else by which the hub could show what it takes. */
  #lift(kind: string): void {
    this.#kinds.forget(kind);
    for (const { stored, isPresumed } of this.#heldOf(kind)) if (isPresumed) this.#release(keyOf(stored));
  }

  #heldOf(kind: string): Suspect[] {
    return [...this.#held.values()].filter((suspect) => suspect.kind === kind);
  }

  #isRipe(ageMs: number): boolean {
    if (this.#taken >= MANY_OTHERS || ageMs >= this.trialAtLastMs) return true;
    return ageMs >= TRIAL_AFTER_MS && (this.#taken >= OTHERS || this.#isFull);
  }

  #dueUnproven(): Suspect | undefined {
    return this.#taken > 0 ? this.#firstUnproven() : undefined;
  }

  #firstUnproven(): Suspect | undefined {
    for (const suspect of this.#held.values()) if (!suspect.isProven) return suspect;
    return undefined;
  }
}

function keyOf({ class: of, offset }: Stored): string {
  return `${of} ${offset}`;
}
