/** sysexits.h, as far as this program uses it. */
export const EXIT = { ok: 0, failed: 1, usage: 64, bug: 70, config: 78 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command tells its exit code here; the process then ends by itself, so that nothing written is lost. */
export type Finish = (code: ExitCode) => void;
