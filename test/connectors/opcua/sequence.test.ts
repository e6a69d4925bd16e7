import assert from 'node:assert/strict';
import { Sequence } from '../../../connectors/opcua/watching/sequence.ts';

const LAST = 0xffff_ffff;

describe('OPC UA sequence of messages', () => {
  function having(...numbers: readonly number[]): Sequence {
    const sequence = new Sequence();
    for (const number of numbers) sequence.take(number, 1_000);
    return sequence;
  }

  it('begins with whatever comes first', () => assert.equal(new Sequence().missingBefore(17), 0));
  it('knows what is missing', () => assert.equal(having(1, 2).missingBefore(5), 2));
  it('goes on with 1 after the last number', () => assert.equal(having(LAST).missingBefore(1), 0));
  it('knows what is missing around the last number', () => assert.equal(having(LAST - 1).missingBefore(2), 2));
  it('knows a message that came before', () => assert.equal(having(1, 2, 3).isRepeated(2, 1_000), true));

  it('lets a late message in, once, and goes on where it was', () => {
    const sequence = having(1, 3);
    assert.deepEqual([sequence.isRepeated(2, 900), sequence.missingBefore(2)], [false, 0]);
    sequence.take(2, 900);
    assert.deepEqual([sequence.isRepeated(2, 900), sequence.next], [true, 4]);
  });

  it('believes a server that counts anew', () => {
    const sequence = having(...Array.from({ length: 300 }, (_, at) => at + 1));
    assert.equal(sequence.isRepeated(200, 2_000), false);
    sequence.take(1, 2_000);
    assert.equal(sequence.next, 2);
  });
});
