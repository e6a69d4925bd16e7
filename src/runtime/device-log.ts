import type { GatewayStatus } from '../model/status.ts';
import type { Log } from './log.ts';

/**
 * Logs which devices are silent though their connection is up, e.g. one meter of many on a line: the log of links does not know them.
 * Told when it is so at two looks in a row, so that a device that misses one poll now and then writes nothing.
 */
export function createDeviceLog(log: Log): (status: Pick<GatewayStatus, 'connections'>) => void {
  let silentBefore = new Set<string>();
  const told = new Set<string>();
  return ({ connections }) => {
    const silent = new Set<string>();
    for (const { name: connection, link, devices } of connections) {
      for (const { twin: device, state, error } of devices) {
        if (state === 'up' && told.delete(device)) log.info('device up', { device, connection });
        if (state !== 'down' || link.state !== 'up') continue;
        silent.add(device);
        if (told.has(device) || !silentBefore.has(device)) continue;
        told.add(device);
        log.warn('device lost', { device, connection, code: error?.code, reason: error?.message, action: error?.action });
      }
    }
    silentBefore = silent;
  };
}
