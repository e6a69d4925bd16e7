import assert from 'node:assert/strict';
import { GatewayError } from '../../src/model/error.ts';
import { readStrictJson } from '../../src/northbound/strict-json.ts';

/** What a hub hands over at most. */
const MAX_BYTES = 131_072;

function read(text: string): unknown {
  return readStrictJson(Buffer.from(text), MAX_BYTES, (reason) => new GatewayError('COMMAND_INVALID', 'press-07', reason));
}

describe('JSON that strangers send', () => {
  it('is refused at once, however it is made to be looked at for long', () => {
    const fill = (part: string) => part.repeat(MAX_BYTES / part.length - 2);
    const texts = ['"', '\\"', '\\"\\\n', '"\\', '[', '{"a":', '"":', '\\u0022'].flatMap((part) => {
      return ['', '"', '{"id":"'].map((start) => start + fill(part));
    });
    for (const text of [...texts, `"${fill('\\"')}\\`, `"${fill('\\"')}\\\n`]) {
      const startedMs = performance.now();
      assert.throws(() => read(text), { code: 'COMMAND_INVALID' });
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs < 1_000, `${text.slice(0, 20)}… took ${tookMs} ms`);
    }
  });

  it('may have quotes and backslashes in its texts', () => {
    assert.deepEqual(read('{"a\\"b":"\\\\","c":["\\"{[,:","]"]}'), { 'a"b': '\\', c: ['"{[,:', ']'] });
  });

  it('names no key twice, however it is written', () => {
    assert.throws(() => read('{"a":1,"\\u0061":2}'), /the key `a` stands twice/);
    assert.throws(() => read('{"__pro\\u0074o__":{}}'), /__proto__/);
  });
});
