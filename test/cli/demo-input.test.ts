import assert from 'node:assert/strict';
import { type DemoInput, parseDemoInput } from '../../src/cli/demo-input.ts';

describe('what is typed into the demo', () => {
  for (const [line, expected] of [
    ['plant down press-07', { kind: 'switch', part: 'press-07', isUp: false }],
    ['  plant   up line-1 ', { kind: 'switch', part: 'line-1', isUp: true }],
    ['broker off', { kind: 'switch', part: 'broker', isUp: false }],
    ['broker on', { kind: 'switch', part: 'broker', isUp: true }],
    ['write press-07 speedSetpoint 900', { kind: 'write', twin: 'press-07', point: 'speedSetpoint', value: 900 }],
    ['write a b -1.5', { kind: 'write', twin: 'a', point: 'b', value: -1.5 }],
    ['write a b true', { kind: 'write', twin: 'a', point: 'b', value: true }],
    ['write a b two words', { kind: 'write', twin: 'a', point: 'b', value: 'two words' }],
    ['help', { kind: 'help' }],
    ['quit', { kind: 'quit' }],
    ['', { kind: 'nothing' }],
    ['plant sideways press-07', { kind: 'unknown', text: 'plant sideways press-07' }],
    ['write press-07 speedSetpoint', { kind: 'unknown', text: 'write press-07 speedSetpoint' }],
  ] as const satisfies readonly (readonly [string, DemoInput])[]) {
    it(`understands \`${line}\` as ${expected.kind}`, () => assert.deepEqual(parseDemoInput(line), expected));
  }
});
