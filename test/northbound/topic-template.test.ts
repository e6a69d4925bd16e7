import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fillTemplate, templateFault } from '../../src/northbound/dialects/mqtt/topic-template.ts';

const NAMES = { gateway: 'gw-01', twin: 'press-07', kind: 'telemetry', site: 'plant-a' };
const KNOWN = Object.keys(NAMES);

describe('topic template', () => {
  it('puts names into their places', () => {
    assert.equal(fillTemplate('{site}/{twin}/{kind}', NAMES, 'cloud'), 'plant-a/press-07/telemetry');
    assert.equal(fillTemplate('fixed/{twin}-{kind}', NAMES, 'cloud'), 'fixed/press-07-telemetry');
  });

  for (const [template, message] of [
    ['{sitte}/{twin}', /nothing is named `\{sitte\}`/],
    ['{twin/{kind}', /brace/],
    ['twin}/x', /brace/],
    ['a/+/b', /wildcard/],
    ['a/#', /wildcard/],
    ['a\0b', /control/],
    ['$SYS/{twin}', /broker/],
    ['', /empty/],
    ['{}', /nothing is named `\{\}`/],
  ] as const) {
    it(`complains of ${JSON.stringify(template)}`, () => assert.match(templateFault(template, KNOWN)?.message ?? '', message));
  }

  it('knows what was meant', () => {
    assert.equal(templateFault('{sitte}/{twin}', KNOWN)?.hint, 'did you mean `{site}`?');
  });

  it('refuses a value that would reach beyond its level', () => {
    for (const site of ['a/b', '+', '#', 'a\nb', '\ud800']) {
      assert.throws(() => fillTemplate('{site}/{twin}', { ...NAMES, site }, 'cloud'), { code: 'CONFIG_INVALID' });
    }
  });

  it('does not take what every object inherits for a name', () => {
    assert.throws(() => fillTemplate('{constructor}', NAMES, 'cloud'), { code: 'CONFIG_INVALID' });
  });

  it('gives either a topic that may be published or a complaint, for any text', () => {
    const part = fc.oneof(
      fc.constantFrom('{twin}', '{site}', '/', '{', '}', '+', '#', '$', '{nothing}'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(
        fc.array(part).map((parts) => parts.join('')),
        fc.string({ unit: 'binary' }),
        (template, site) => {
          if (templateFault(template, KNOWN) !== undefined) return;
          try {
            const topic = fillTemplate(template, { ...NAMES, site }, 'cloud');
            assert.ok(!/[+#\0]/.test(topic) && !topic.startsWith('$') && topic.isWellFormed());
          } catch (error) {
            assert.equal((error as { code?: string }).code, 'CONFIG_INVALID');
          }
        },
      ),
    );
  });
});
