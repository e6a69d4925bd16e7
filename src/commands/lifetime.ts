import type { Command } from '../model/command.ts';
import { type Finding, finding } from './finding.ts';
import type { Guard } from './job.ts';

/** A command that names no end, where the mapping names none either. */
const DEFAULT_LIFE_MS = 30_000;
/** So far may the clock of a sender be ahead. */
const CLOCK_TOLERANCE_MS = 300_000;

/** The instant after which the command must not be executed; UTC, milliseconds since 1970. */
export function expiryOf({ expiresTimeMs, issuedTimeMs }: Command, guards: readonly Guard[], arrivedTimeMs: number): number {
  const lives = guards.flatMap(({ expiresMs }) => expiresMs ?? []);
  return expiresTimeMs ?? (issuedTimeMs ?? arrivedTimeMs) + Math.min(...(lives.length === 0 ? [DEFAULT_LIFE_MS] : lives));
}

/** Asked so that a time that is no number counts as wrong. */
export function checkLifetime({ issuedTimeMs }: Command, expiresTimeMs: number, nowMs: number): Finding | undefined {
  if (issuedTimeMs !== undefined && !(issuedTimeMs <= nowMs + CLOCK_TOLERANCE_MS)) {
    return finding('COMMAND_EXPIRED', `the command says it was issued at ${issuedTimeMs}, now is ${nowMs} (ms since 1970)`);
  }
  if (nowMs < expiresTimeMs) return undefined;
  return finding('COMMAND_EXPIRED', `the command expired at ${expiresTimeMs}, now is ${nowMs} (ms since 1970)`);
}
