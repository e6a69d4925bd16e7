import { statSync } from 'node:fs';

/**
 * The state directory of the service that a configuration belongs to: where systemd says so, else, for who looks at it at the command
 * line, `/var/lib/NAME` of a configuration in `/etc/NAME` (systemd.exec(5), table 2). `undefined`: it belongs to no service.
 */
export function serviceState(directory: string, environment: Readonly<Record<string, string | undefined>>): string | undefined {
  // systemd names the state directories of a service, separated by colons; the first is ours.
  const [told = ''] = (environment.STATE_DIRECTORY ?? '').split(':');
  if (told !== '') return told;
  const [, root, name] = /^(.*)\/etc\/([^/]+)$/.exec(directory) ?? [];
  if (name === undefined) return undefined;
  const state = `${root}/var/lib/${name}`;
  return statSync(state, { throwIfNoEntry: false })?.isDirectory() === true ? state : undefined;
}
