import type { PointResult } from '../model/command.ts';
import { type ErrorCode, GatewayError } from '../model/error.ts';

/** Why something may not be done. Expected in daily life, so a value and not a throw. */
export type Finding = NonNullable<PointResult['error']>;

export function finding(code: ErrorCode, message: string): Finding {
  return { code, message };
}

export function toFinding(error: unknown): Finding {
  if (error instanceof GatewayError) return finding(error.code, error.message);
  return finding('BUG', error instanceof Error ? error.message : String(error));
}
