import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadConfiguration } from '../../src/config/load.ts';
import { declarations } from '../../src/gateway/plug-ins.ts';

describe('example mappings', () => {
  it('are right, to the last warning', async () => {
    const { plan, problems } = await loadConfiguration(join(import.meta.dirname, '../../mappings'), declarations);
    assert.deepEqual(problems, []);
    assert.deepEqual(plan?.devices.map(({ twin }) => twin).toSorted(), [
      'filler-02',
      'meter-1',
      'meter-2',
      'press-07',
      'press-07-panel',
      'press-07-recipe',
    ]);
  });
});
