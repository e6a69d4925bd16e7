import assert from 'node:assert/strict';
import { inChunks } from '../../../connectors/opcua/requests.ts';

const ALL = Array.from({ length: 10 }, (_, index) => index);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('OPC UA requests for much', () => {
  it('give results in the order of what was asked, whichever answer comes first', async () => {
    let inFlight = 0;
    let most = 0;
    const request = async (chunk: readonly number[]) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await wait(chunk[0] === 0 ? 20 : 1);
      inFlight -= 1;
      return chunk.map(String);
    };
    assert.deepEqual(await inChunks(ALL, 3, request, 2), ALL.map(String));
    assert.equal(most, 2);
  });

  it('go out one after the other where nothing else is said', async () => {
    let inFlight = 0;
    await inChunks(ALL, 3, async (chunk) => {
      assert.equal(inFlight, 0);
      inFlight += 1;
      await wait(1);
      inFlight -= 1;
      return chunk;
    });
  });

  it('are halved where the server finds them too large', async () => {
    const sizes: number[] = [];
    const request = async (chunk: readonly number[]) => {
      sizes.push(chunk.length);
      if (chunk.length > 2) throw new Error('BadTooManyOperations');
      return chunk;
    };
    assert.deepEqual(await inChunks(ALL, 8, request, 2), ALL);
    assert.ok(sizes.includes(8) && sizes.includes(4));
  });

  it('stop where one fails', async () => {
    let asked = 0;
    const request = async (chunk: readonly number[]) => {
      asked += 1;
      await wait(chunk[0] === 0 ? 1 : 5);
      throw new Error('BadSessionClosed');
    };
    await assert.rejects(inChunks(ALL, 1, request, 2), /BadSessionClosed/);
    await wait(10);
    assert.equal(asked, 2);
  });
});
