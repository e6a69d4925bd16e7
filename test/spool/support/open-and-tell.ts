import { open } from './spool-fixture.ts';

/** A child process: tries to own the directory and prints what came of it. */
const outcome = await open({ directory: process.argv[2] ?? '' }).then(
  () => 'opened',
  (error: Error & { code?: string }) => `${error.code} ${error.message}`,
);
process.stdout.write(outcome);
process.exit(0);
