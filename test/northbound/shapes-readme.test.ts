import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createShape } from '../../src/northbound/shapes/index.ts';
import { CONTEXT, MESSAGES, SHAPES, storedOf, T0_MS } from './shape-messages.ts';

describe('README of the shapes', () => {
  for (const shape of ['cloudevents', 'pnp', 'opcua-pubsub-json', 'ditto', 'template']) {
    it(`shows ${shape} as it is`, async () => {
      const text = await readFile(new URL('../../src/northbound/shapes/README.md', import.meta.url), 'utf8');
      const [, example = assert.fail()] = new RegExp(`\`\`\`json ${shape}\\n([\\s\\S]*?)\`\`\``).exec(text) ?? [];
      const message = storedOf(MESSAGES.property ?? assert.fail());
      const [packet = assert.fail()] = createShape(SHAPES[shape] ?? assert.fail(), CONTEXT).encode(message, T0_MS + 3_000);
      assert.deepEqual(JSON.parse(packet.payload), JSON.parse(example));
    });
  }
});
