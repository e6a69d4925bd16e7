import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type CountingOptions, startCountingServer } from './opcua-counting-server.ts';

/**
 * A counting server in a process of its own: the options as JSON in the first argument. It starts at the first line on standard input, and then
 * says `ready`. After that, one a line: `pause`, `go on`, `number`; it answers each with the number that its variables hold.
 */
const lines = createInterface({ input: process.stdin });
await once(lines, 'line');
const server = await startCountingServer(JSON.parse(process.argv[2] ?? '{}') as CountingOptions);
console.log('ready');
for await (const line of lines) {
  if (line === 'pause') server.pause(true);
  if (line === 'go on') server.pause(false);
  console.log(server.number);
}
