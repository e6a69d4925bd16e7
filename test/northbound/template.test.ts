import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TwinMessage } from '../../src/model/twin-message.ts';
import { createShape } from '../../src/northbound/shapes/index.ts';
import type { ShapeSetting } from '../../src/northbound/shapes/settings.ts';

type TemplateSettings = Extract<ShapeSetting, { template: unknown }>['template'];

import { deviceOf } from '../support/device.ts';
import { CONTEXT, storedOf, T0_MS, TELEMETRY } from './shape-messages.ts';

const ANNOUNCED = deviceOf({ points: { temperature: { unit: 'degreeCelsius' }, pressure: {} } });

function payloads(template: TemplateSettings, message = TELEMETRY): readonly string[] {
  const context = { ...CONTEXT, devices: [ANNOUNCED], deviceOf: () => ANNOUNCED };
  return createShape({ template }, context)
    .encode(storedOf(message), T0_MS)
    .map(({ payload }) => payload);
}

function oneText(text: string): TwinMessage {
  return { ...TELEMETRY, values: { text: [[0, text]] } };
}

describe('shape template', () => {
  it('makes what another platform takes: an object for each time', () => {
    const [first] = payloads({ each: 'time', body: { ts: '{timeMs}', values: '{values}', q: '{quality}', why: '{statuses}' } });
    assert.deepEqual(JSON.parse(first ?? ''), {
      ts: T0_MS,
      values: { temperature: 71.4, running: true, text: 'Grüße "quoted" \u2028' },
      q: 'good',
      why: {},
    });
    const [, second] = payloads({ each: 'time', body: { q: '{quality}', why: '{statuses}' } });
    assert.deepEqual(JSON.parse(second ?? ''), { q: 'bad', why: { pressure: 'BadCommunicationError' } });
  });

  it('makes one list of a whole message, with the last values beside it', () => {
    const [body, ...more] = payloads({ each: 'message', body: ['{points}', '{values}'] });
    assert.equal(more.length, 0);
    const [points, values] = JSON.parse(body ?? '');
    assert.equal(points.length, 11 - 1);
    assert.deepEqual(values.temperature, 71.5);
  });

  it('puts names into keys, and units beside values', () => {
    const texts = payloads({ each: 'value', body: { '{point}': '{value}', unit: '{unit}' } });
    assert.deepEqual(JSON.parse(texts[0] ?? ''), { temperature: 71.4, unit: 'degreeCelsius' });
    assert.deepEqual(JSON.parse(texts[1] ?? ''), { running: true, unit: null });
  });

  it('writes lines of text, with double braces as braces', () => {
    const [line] = payloads({ each: 'value', body: '{twin},site={site} {point}={value} {{{timeMs}}}' });
    assert.equal(line, `press-07,site=plant-a temperature=71.4 {${T0_MS}}`);
  });

  it('substitutes once: what looks like a placeholder in a value stays as it is', () => {
    assert.deepEqual(payloads({ each: 'value', body: 'x {value}' }, oneText('{twin} {{')), ['x {twin} {{']);
    assert.deepEqual(payloads({ each: 'value', body: { v: 'x {value}' } }, oneText('","admin":true,"{seq}')), [
      JSON.stringify({ v: 'x ","admin":true,"{seq}' }),
    ]);
  });

  it('keeps a value on its line, whatever it is', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\nb', '\r', '\u2028', '\u0085'));
    fc.assert(
      fc.property(anyText, (text) => {
        const [line = ''] = payloads({ each: 'value', body: 'v={value}' }, oneText(text));
        assert.equal(line.split(/\r\n|[\n\r\u0085\u2028\u2029]/).length, 1);
      }),
    );
  });

  it('gives valid JSON with the same keys, whatever the values are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const [body = ''] = payloads({ each: 'value', body: { a: '{value}', b: ['<{value}>'], c: { d: 1 } } }, oneText(text));
        assert.deepEqual(JSON.parse(body), { a: text, b: [`<${text}>`], c: { d: 1 } });
      }),
    );
  });
});
