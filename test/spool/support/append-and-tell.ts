import { draft, open } from './spool-fixture.ts';

/** A child process: appends for ever and prints what was committed. */
const directory = process.argv[2] ?? '';
const spool = await open({ directory, commitWindowMs: 1 });
for (let value = 1; ; value += 1) {
  await spool.append([draft('press', value)]);
  process.stdout.write(`${value}\n`);
}
