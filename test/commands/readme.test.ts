import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandPlant } from '../support/command-plant.ts';

const README = readFileSync(join(import.meta.dirname, '../../src/commands/README.md'), 'utf8');
const MAPPING = readFileSync(join(import.meta.dirname, '../../mappings/press-07-recipe.yaml'), 'utf8');

type Json = Readonly<Record<string, unknown>>;

/** Commands and their answers, as they stand in the page. */
const DIALOGUE = [...README.matchAll(/```json (command|answer)\n(.*?)```/gs)].map(([, who, text]) => ({
  who,
  body: JSON.parse(text ?? '') as Json,
}));

describe('the page about commands', function () {
  this.timeout(30_000);
  let plant: CommandPlant;

  before(async () => {
    plant = await CommandPlant.start({ mapping: MAPPING.replace(/^twin:.*\n|^connection:.*\n/gm, ''), twin: 'press-07-recipe' });
    // The load, which is computed, is known.
    await plant.until(
      'the interlock can be judged',
      () =>
        plant.gateway
          .status()
          .connections[0]?.devices[0]?.points.some(({ name, quality }) => name === 'load' && quality === 'good') === true,
    );
  });

  after(() => plant.end());

  it('shows what is answered, command by command, with the mapping among the examples', async () => {
    assert.equal(DIALOGUE.length, 16);
    for (let index = 0; index < DIALOGUE.length; index += 2) {
      const [sent, expected] = [DIALOGUE[index], DIALOGUE[index + 1]];
      assert.deepEqual([sent?.who, expected?.who], ['command', 'answer']);
      const { schema, id, twin, heldUntil, ...answer } = await plant.send(sent?.body ?? {});
      assert.deepEqual([schema, id, twin], ['gw.result/1', sent?.body.id, 'press-07-recipe']);
      assert.deepEqual(answer, expected?.body);
      assert.equal(heldUntil === undefined, answer.status !== 'held');
      await new Promise((resolve) => setTimeout(resolve, 110));
    }
    assert.deepEqual([plant.memory.holding[44], plant.memory.holding[45]], [425, 7]);
  });
});
