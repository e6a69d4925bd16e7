import { loadMapping } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { declarations } from '../gateway/plug-ins.ts';
import type { GatewayPlan } from '../model/plan.ts';

/** The plan of one mapping; tells on standard error what is wrong with it. */
export async function loadOneMapping(path: string): Promise<GatewayPlan | undefined> {
  const { plan, problems } = await loadMapping(path, declarations);
  process.stderr.write(formatProblems(problems));
  return plan;
}
