import { assertHasTold } from '../../support/scenario/figures.ts';

/** A trial without a figure proves nothing to whoever reads the log. */
export const mochaHooks = {
  afterEach(this: Mocha.Context) {
    assertHasTold(this.currentTest);
  },
};
