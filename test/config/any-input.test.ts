import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { GATEWAY, MAPPING, TemporaryConfiguration } from '../support/configuration.ts';
import { declarations } from '../support/declarations.ts';

const MAX_MS = 1_000;

const WORDS = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ': ',
  '- ',
  '? ',
  '&a ',
  '*a',
  '!secret ',
  '!!js ',
  '|',
  '>',
  '"',
  "'",
  '\t',
  '\n',
  '#',
  '%YAML',
  '---',
  '...',
  '<<: ',
  '__proto__: ',
  '0x',
  '.inf',
  '\u{FEFF}',
  '\0',
  '🌡',
  '\u{2028}',
  'expression: ',
  'null',
];

/** A valid file with pieces cut out, doubled or replaced. */
function mutated(text: string) {
  const cut = fc.record({
    at: fc.nat(text.length),
    length: fc.nat(12),
    insert: fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 5 })),
  });
  return fc.array(cut, { minLength: 1, maxLength: 4 }).map((cuts) => {
    let result = text;
    for (const { at, length, insert } of cuts) result = result.slice(0, at) + insert + result.slice(at + length);
    return Buffer.from(result);
  });
}

describe('any input', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const words = fc
    .array(fc.constantFrom(...WORDS, 'twin', 'points', 'hubs', '1', ' ', 'a'), { maxLength: 60 })
    .map((all) => Buffer.from(all.join('')));
  const file = (text: string) => fc.oneof(bytes, words, mutated(text), mutated(text));

  it('gives a plan or a problem with its place, and never takes long', async function () {
    this.timeout(60_000);
    using configuration = new TemporaryConfiguration();
    await fc.assert(
      fc.asyncProperty(file(GATEWAY), file(MAPPING), fc.boolean(), async (gateway, mapping, isGatewayGood) => {
        configuration.write('gateway.yaml', isGatewayGood ? GATEWAY : gateway);
        configuration.write('mappings/press.yaml', mapping);
        const before = process.cpuUsage();
        const { plan, problems } = await loadConfiguration(configuration.directory, declarations, { environment: {} });
        const printed = formatProblems(problems);
        assert.ok(process.cpuUsage(before).user / 1_000 < MAX_MS);
        assert.ok(plan !== undefined || problems.some(({ severity }) => severity === 'error'));
        assert.ok(problems.every(({ line, column, file: name }) => line >= 1 && column >= 1 && name !== ''));
        assert.doesNotMatch(printed, /[^\P{Cc}\n\t]/u);
      }),
      { numRuns: 400 },
    );
  });
});
