import type { CommandResult, ResultError } from '../../../model/command.ts';
import type { ErrorCode } from '../../../model/error.ts';

const CODES: Partial<Record<ErrorCode, number>> = {
  COMMAND_INVALID: 400,
  COMMAND_OUT_OF_RANGE: 400,
  COMMAND_READ_ONLY: 403,
  COMMAND_UNKNOWN: 404,
  COMMAND_EXPIRED: 408,
  COMMAND_INTERLOCKED: 409,
  COMMAND_REPLAYED: 409,
  COMMAND_TOO_OFTEN: 429,
  LINK_DOWN: 503,
  DEVICE_BUSY: 503,
  DEVICE_TIMEOUT: 504,
  DEVICE_UNREACHABLE: 504,
  LINK_TIMEOUT: 504,
};

/** A refusal, in the manner of HTTP. */
export function codeOf({ code }: Pick<ResultError, 'code'>): number {
  return CODES[code] ?? 500;
}

/** The status of an answer, in the manner of HTTP. */
export function answerCode(result: CommandResult): number {
  switch (result.status) {
    case 'done':
    case 'checked':
      return 200;
    case 'held':
      return 202;
    case 'unknown':
      return 504;
    case 'refused':
    case 'failed':
      return codeOf(firstError(result) ?? { code: 'COMMAND_FAILED' });
  }
}

/** Why, where a reason is known: of the whole, else of the first point or setting that has one. */
export function firstError({ error, points, settings = {} }: CommandResult): ResultError | undefined {
  return error ?? [...Object.values(points), ...Object.values(settings)].find((one) => one.error !== undefined)?.error;
}
