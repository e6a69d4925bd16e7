import { tell } from '../../support/scenario/figures.ts';

/** Run by `every-trial-tells.test.ts` alone. */
describe('a trial', () => {
  it('tells what it measured', () => tell({ kills: 7 }));
  it('says nothing', () => {});
});
