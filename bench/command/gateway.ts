import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfiguration } from '../../src/config/load.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import { declarations } from '../../src/gateway/plug-ins.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { tellReady } from '../harness/child.ts';

/** `gateway.ts DIRECTORY`: the whole gateway, ready when every device and the hub are there. */
const directory = process.argv[2] ?? '';
const { plan, problems } = await loadConfiguration(directory, declarations);
if (plan === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
const gateway = await startGateway(plan, { log: silentLog, version: 'bench', stateDirectory: `${directory}/state` });

function isUp(): boolean {
  const { connections, hubs } = gateway.status();
  return (
    hubs.every(({ link }) => link.state === 'up') &&
    connections.every(({ devices }) => devices.every(({ state }) => state === 'up'))
  );
}

while (!isUp()) await sleep(20);
// Polls have found their pace.
await sleep(2_000);
tellReady({ isUp: true });
