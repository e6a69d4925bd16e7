import { type CallCommand, type CommandResult, resultHead } from '../model/command.ts';
import type { DevicePlan, MethodPlan } from '../model/plan.ts';
import type { ConnectorSession, MethodCall, MethodResult } from '../southbound/connector.ts';
import { isCertainlyNotDone } from './certainty.ts';
import { checkArguments } from './check-arguments.ts';
import { finding, toFinding } from './finding.ts';
import { guardOf, type Job } from './job.ts';
import { refuse } from './results.ts';

/** The call of a method as a job, or its refusal: only what the mapping lists under `methods` can be called. */
export function callJob(device: DevicePlan, command: CallCommand): Job | CommandResult {
  const method = device.methods?.find(({ name }) => name === command.method);
  if (method === undefined) {
    return refuse(command, finding('COMMAND_UNKNOWN', `the mapping of ${device.twin} lists no method \`${command.method}\``));
  }
  const given = checkArguments(method, command.arguments);
  if ('code' in given) return refuse(command, given);
  return {
    guards: [guardOf(method.name, methodId(device.twin, method), method)],
    refuse: (findings) => refuse(command, Object.values(findings)[0] ?? finding('BUG', 'refused without a reason')),
    run: async (session, signal) => {
      const result = await call(session, { device: device.twin, method, arguments: given.values }, signal);
      return { ...resultHead(command), points: {}, ...outcomeOf(result) };
    },
    tryOut: () => ({ ...resultHead(command), status: 'checked', points: {} }),
  };
}

/** No point has such an id. */
export function methodId(twin: string, { name }: MethodPlan): string {
  return `${twin}/${name}()`;
}

/** Called once. Whether the device did it is unknown when the link was lost before the answer. */
async function call(session: ConnectorSession, asked: MethodCall, signal: AbortSignal): Promise<MethodResult | Error> {
  try {
    return (await session.call?.(asked, signal)) ?? new Error('the connector calls no methods');
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function outcomeOf(result: MethodResult | Error): Pick<CommandResult, 'status' | 'outputs' | 'error'> {
  if (result instanceof Error) return { status: 'unknown', error: toFinding(result) };
  if (result.called) return { status: 'done', outputs: result.outputs };
  const { error } = result;
  return { status: isCertainlyNotDone(error) ? 'failed' : 'unknown', error: toFinding(error) };
}
