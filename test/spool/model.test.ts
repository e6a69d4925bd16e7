import fc from 'fast-check';
import { runHistory, step } from './support/power-cut-run.ts';

describe('a spool under power cuts', () => {
  it('loses nothing committed, keeps order and numbers, whatever is appended, acknowledged, restarted and cut', async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), fc.array(step, { maxLength: 25 }), runHistory), { numRuns: 60, seed: 7 });
  }).timeout(60_000);
});
