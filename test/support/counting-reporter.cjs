// Mocha's spec reporter, which at the end also writes its own figures to the file named by TEST_COUNTS_FILE:
// one line `passes failures pending` for each run, appended.
const { appendFileSync } = require('node:fs');
const Mocha = require('mocha');

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.TEST_COUNTS_FILE;
    if (file === undefined) return;
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = runner.stats;
      appendFileSync(file, `${passes} ${failures} ${pending}\n`);
    });
  }
}

module.exports = CountingReporter;
