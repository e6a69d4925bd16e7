import assert from 'node:assert/strict';
import { turn } from '../../../connectors/opcua/watching/turn.ts';

const CONNECTIONS = 5;
const MESSAGES = 4;
const MESSAGE_MS = 2;

function work(): void {
  const untilMs = performance.now() + MESSAGE_MS;
  while (performance.now() < untilMs);
}

describe('OPC UA turns', () => {
  it('let the sockets speak in the middle of a burst, and keep its order', async () => {
    const done: string[] = [];
    let doneAtFirstLook: number | undefined;
    const look = () => {
      doneAtFirstLook ??= done.length;
    };
    // Each connection has its own callback, as with sockets.
    const handle = (connection: number) =>
      new Promise<void>((resolve) => {
        setImmediate(async () => {
          setImmediate(look);
          for (let message = 0; message < MESSAGES; message += 1) {
            await turn();
            work();
            done.push(`${connection}.${message}`);
          }
          resolve();
        });
      });
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, connection) => handle(connection)));
    assert.ok((doneAtFirstLook ?? done.length) < (CONNECTIONS * MESSAGES) / 2, `${doneAtFirstLook} before the first look`);
    const ofFirst = done.filter((name) => name.startsWith('0.'));
    assert.deepEqual(
      ofFirst,
      Array.from({ length: MESSAGES }, (_, message) => `0.${message}`),
    );
  });

  it('cost no wait where there is little to do', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    let hasLooked = false;
    setImmediate(() => {
      hasLooked = true;
    });
    await turn();
    await turn();
    assert.equal(hasLooked, false);
  });
});
