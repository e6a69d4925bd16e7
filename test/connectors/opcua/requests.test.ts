import assert from 'node:assert/strict';
import { DataType, DataValue } from 'node-opcua-client';
import { inChunks, readUnknown } from '../../../connectors/opcua/protocol/requests.ts';

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

  it('are few where the values of unknown nodes turn out to be large, and more where they are small', async () => {
    const sizes: number[] = [];
    const of = (value: unknown) => new DataValue({ value: { dataType: DataType.Double, value } });
    const large = new Float64Array(100_000);
    const read = async (chunk: readonly { readonly nodeId: string }[]) => {
      sizes.push(chunk.length);
      return chunk.map(({ nodeId }) => of(nodeId === 'large' ? large : 1));
    };
    const nodes = Array.from({ length: 400 }, (_, at) => ({ nodeId: at >= 100 && at < 120 ? 'large' : 'small' }));
    const answers = await readUnknown({ read } as never, nodes, { nodesPerRead: 50 } as never);
    assert.deepEqual(
      answers.map(({ value }) => value.value.length),
      nodes.map(({ nodeId }) => (nodeId === 'large' ? 100_000 : undefined)),
    );
    assert.ok((sizes[0] ?? 0) <= 8 && Math.max(...sizes) === 50 && Math.min(...sizes) === 1, sizes.join());
  });
});
