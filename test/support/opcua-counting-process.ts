import { createInterface } from 'node:readline';
import { type CountingOptions, startCountingServer } from './opcua-counting-server.ts';

/**
 * A counting server in a process of its own: the options as JSON in the first argument. Commands on standard input, one a line: `pause`,
 * `go on`, `number`; it answers each with the number that its variables hold. Says `ready` first.
 */
const server = await startCountingServer(JSON.parse(process.argv[2] ?? '{}') as CountingOptions);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'pause') server.pause(true);
  if (line === 'go on') server.pause(false);
  console.log(server.number);
}
