import { GatewayError } from '../../../model/error.ts';
import type { Log } from '../../../runtime/log.ts';
import type { DeviceBook } from './device-book.ts';

/** Twins become devices, so they stand in topics. Names that differ in case only are told: some hosts take them for one (§6.4.5). */
export function checkNames(hub: string, devices: readonly DeviceBook[], log: Log): void {
  for (const { twin } of devices) {
    if (/[+/#]/.test(twin))
      throw new GatewayError('CONFIG_INVALID', hub, `the twin \`${twin}\` cannot be a device: no \`+\`, \`/\` or \`#\``);
  }
  for (const name of alikeIn(devices.map(({ twin }) => twin))) log.warn('device names alike', { device: name });
  for (const { twin, metrics } of devices)
    for (const name of alikeIn(metrics.map((metric) => metric.name)))
      log.warn('metric names alike', { device: twin, metric: name });
}

function alikeIn(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return names.filter((name) => seen.size === seen.add(name.toLowerCase()).size);
}
