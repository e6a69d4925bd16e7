import assert from 'node:assert/strict';

/**
 * What a scenario or a trial has measured, in one line. A root hook plugin of mocha: it names the line after the test, because
 * files run beside each other; and under `npm run chaos` a trial that tells nothing fails.
 */
let title: string | undefined;
let hasTold = false;

export function tell(figures: Readonly<Record<string, number | string>>): void {
  hasTold = true;
  const text = Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ');
  console.log(`      ${title === undefined ? '' : `${title}: `}${text}`);
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

export const mochaHooks = {
  beforeEach(this: Mocha.Context) {
    title = this.currentTest?.titlePath().join(' › ');
    hasTold = false;
  },
};

/** For the root hooks of suites whose every test has to come with its figures. */
export function assertHasTold(test: Mocha.Test | undefined): void {
  if (test?.state === 'passed') assert.ok(hasTold, `"${test.fullTitle()}" told no figures: tell({ … }) at its end`);
}
