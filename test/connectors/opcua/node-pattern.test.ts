import assert from 'node:assert/strict';
import { matcherOf, nameOf, nodePattern } from '../../../connectors/opcua/mapping/node-pattern.ts';

describe('a browse pattern', () => {
  const MATCHES: readonly (readonly [step: string, yes: readonly string[], no: readonly string[]])[] = [
    ['Temperature', ['Temperature'], ['temperature', 'Temperature2', '']],
    ['*', ['Motor1', ''], []],
    ['Motor*', ['Motor', 'Motor12'], ['motor1', 'AMotor']],
    ['*.Temp', ['a.Temp', '.Temp'], ['aTemp', 'a.Temp1']],
    ['a*b*c', ['abc', 'a1b2c', 'abbc'], ['ac', 'acb', 'ab']],
    ['ab*ba', ['abba', 'ab1ba'], ['aba']],
    ['[a]*', ['[a]1'], ['a1']],
  ];
  for (const [step, yes, no] of MATCHES) {
    it(`${step} stands for ${yes.join(', ')} and not for ${no.join(', ')}`, () => {
      assert.deepEqual(yes.filter(matcherOf(step)), yes);
      assert.deepEqual(no.filter(matcherOf(step)), []);
    });
  }

  it('is slow for no name', () => {
    const matches = matcherOf(`${'*a'.repeat(200)}*b`);
    assert.equal(matches('a'.repeat(4_000)), false);
  }).timeout(2_000);

  const NAMES: readonly (readonly [browse: string, name: string | undefined, path: string, point: string])[] = [
    ['Objects/Line1/*/Temperature', undefined, 'Objects/Line1/Motor 1/Temperature', 'motor1Temperature'],
    ['Objects/Line1/*/Temperature', '{1}Temperature', 'Objects/Line1/Motor 1/Temperature', 'Motor1Temperature'],
    ['Objects/Line*/*', '{2}_of_{1}', 'Objects/Line7/Öl', 'Ol_of_Line7'],
    ['Objects/Line*/*', undefined, 'Objects/Line7/Oil', 'line7Oil'],
    ['Objects/*/Speed', '{1}', 'Objects/2nd/Speed', 'p2nd'],
    ['Objects/*/Speed', '{1}', 'Objects/Pump_/Speed', 'Pump'],
    ['Objects/Line1/Speed', undefined, 'Objects/Line1/Speed', 'speedOfLine'],
  ];
  for (const [browse, name, path, point] of NAMES) {
    it(`${browse} calls ${path} ${point}${name === undefined ? '' : ` by ${name}`}`, () => {
      assert.equal(nameOf({ browse, name }, 'speedOfLine', path.split('/')), point);
    });
  }

  it('begins at Objects, has no empty name, and names its points by what `*` stands for', () => {
    const isRight = (browse: string, name?: string) => nodePattern().safeParse({ browse, name }).success;
    assert.deepEqual(
      [isRight('Objects/*/a'), isRight('Objects/*/a', '{1}A'), isRight('Objects/a', 'a'), isRight('Objects/*/*', '{2}')],
      [true, true, true, true],
    );
    const wrong: [string, string?][] = [['Line1/*'], ['Objects'], ['Objects//a'], ['/Objects/a'], ['Objects/a/'], ['']];
    const misnamed: [string, string?][] = [
      ['Objects/*', 'a'],
      ['Objects/*', '{2}'],
      ['Objects/*', '{0}'],
      ['Objects/*', '{1} b'],
      ['Objects/a', '{1}'],
    ];
    for (const one of [...wrong, ...misnamed]) assert.equal(isRight(...one), false, one.join(' '));
  });
});
