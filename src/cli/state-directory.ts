import { dirname } from 'node:path';
import type { GatewayPlan } from '../model/plan.ts';

/** Where certificates and trust lists are kept: systemd's state directory, else beside the spool. */
export function stateDirectory(plan: GatewayPlan): string {
  const [directory] = (process.env.STATE_DIRECTORY ?? '').split(':');
  return directory === undefined || directory === '' ? dirname(plan.spool.directory) : directory;
}
