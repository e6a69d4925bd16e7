import type { Command, CommandResult } from '../../../model/command.ts';
import { decodeCommand } from '../../command-document.ts';
import { encodeResultBody } from '../../result-document.ts';
import type { Execution } from './execution.ts';
import type { JobOutcome } from './job-book.ts';
import { invalid, isMap, writeJson } from './read-json.ts';

/** Of a value in the details of a job. */
const MAX_DETAIL_LENGTH = 1_024;

/**
 * A job document is a command with the `twin` it is for. Its id is that of the job, unless it approves another command, whose id it has to
 * name. It was issued when it was queued. Throws COMMAND_INVALID.
 */
export function commandOfJob({ key: id, document, queuedTimeMs }: Execution, twins: ReadonlySet<string>): Command {
  if (!isMap(document)) throw invalid(id, 'the job has no document');
  const { schema: _, twin, ...command } = document;
  if (typeof twin !== 'string' || !twins.has(twin)) throw invalid(id, '`twin` in the job document names no twin of this hub');
  const payload = Buffer.from(writeJson(command.approve === true ? command : { ...command, id }));
  return decodeCommand({ topic: '', payload, qos: 1, retain: false }, twin, {
    envelope: queuedTimeMs === undefined ? {} : { issuedTimeMs: queuedTimeMs },
  });
}

/** A command that is held has got where a job can bring it: the details say that it waits for approval. */
const STATUS: Readonly<Record<CommandResult['status'], JobOutcome['status']>> = {
  ...{ done: 'SUCCEEDED', checked: 'SUCCEEDED', held: 'SUCCEEDED' },
  ...{ refused: 'REJECTED', failed: 'FAILED', unknown: 'FAILED' },
};

export function outcomeOf(result: CommandResult): JobOutcome {
  const text = writeJson(encodeResultBody(result));
  const statusDetails = {
    outcome: result.status,
    ...(result.error === undefined ? {} : { code: result.error.code, message: detail(result.error.message) }),
    ...(text.length <= MAX_DETAIL_LENGTH ? { result: text } : {}),
  };
  return { status: STATUS[result.status], statusDetails };
}

export function refusedJob(code: string, message: string): JobOutcome {
  return { status: 'REJECTED', statusDetails: { outcome: 'refused', code, message: detail(message) } };
}

/** It was begun by somebody who does not remember it. */
export const FORGOTTEN_JOB: JobOutcome = {
  status: 'FAILED',
  statusDetails: {
    outcome: 'unknown',
    code: 'COMMAND_FAILED',
    message: 'the gateway was restarted while the job was under way; it is not executed again',
  },
};

/** AWS takes no control characters and no empty text. */
function detail(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ').slice(0, MAX_DETAIL_LENGTH) || '-';
}
