import type { GatewayError } from '../model/error.ts';

/** sysexits.h, as far as this program uses it. */
export const EXIT = { ok: 0, failed: 1, usage: 64, unavailable: 69, bug: 70, storage: 74, config: 78 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command tells its exit code here; the process then ends by itself, so that nothing written is lost. */
export type Finish = (code: ExitCode) => void;

/** What a command that was ended by an error tells. */
export function exitCodeOf({ code, rule }: GatewayError): ExitCode {
  if (code === 'USAGE') return EXIT.usage;
  if (code === 'BUG') return EXIT.bug;
  if (code === 'GATEWAY_UNAVAILABLE') return EXIT.unavailable;
  return rule.kind === 'storage' ? EXIT.storage : EXIT.failed;
}
