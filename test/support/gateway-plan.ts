import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { declarations } from '../../src/gateway/plug-ins.ts';
import type { GatewayPlan } from '../../src/model/plan.ts';
import type { TemporaryConfiguration } from './configuration.ts';

/** The plan of a configuration that is right but for remarks. */
export async function planOf(configuration: TemporaryConfiguration): Promise<GatewayPlan> {
  const { plan, problems } = await loadConfiguration(configuration.directory, declarations);
  if (plan === undefined) throw new Error(formatProblems(problems));
  return plan;
}
