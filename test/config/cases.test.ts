import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { declarations } from '../support/declarations.ts';

const CASES = join(import.meta.dirname, '..', 'cases', 'config');

/** After a wording was changed on purpose: run once with it, then read the difference. */
const IS_UPDATE = process.env.UPDATE_CASES === '1';

describe('bad configuration', () => {
  for (const name of readdirSync(CASES).toSorted()) {
    it(`is answered: ${name.replaceAll('-', ' ')}`, async () => {
      const directory = join(CASES, name);
      const { plan, problems } = await loadConfiguration(directory, declarations, { relativeTo: directory, environment: {} });
      const printed = formatProblems(problems);
      const expected = join(directory, 'expected.txt');
      if (IS_UPDATE) writeFileSync(expected, printed);
      assert.equal(printed, readFileSync(expected, 'utf8'));
      assert.ok(problems.length > 0, 'something is wrong with it');
      assert.equal(
        plan === undefined,
        problems.some(({ severity }) => severity === 'error'),
        'no plan where there is an error',
      );
    });
  }
});
