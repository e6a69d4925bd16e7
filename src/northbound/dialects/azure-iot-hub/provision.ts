import { z } from 'zod';
import { GatewayError } from '../../../model/error.ts';
import type { Packet, QuestionLine } from '../../dialect.ts';
import { decodeBag } from './property-bag.ts';

export const PROVISIONING_ANSWERS = '$dps/registrations/res/#';

export interface Registration {
  readonly registrationId: string;
  /** For a custom allocation. */
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** Where the service sends a device. */
export interface Assignment {
  readonly host: string;
  readonly deviceId: string;
}

/** The service takes five polls in ten seconds. */
const LEAST_WAIT_MS = 2_000;
const ANSWER_WAIT_MS = 30_000;
const LONGEST_MS = 180_000;

const answerSchema = z.object({
  operationId: z.string().optional(),
  status: z.enum(['unassigned', 'assigning', 'assigned', 'failed', 'disabled']).optional(),
  registrationState: z
    .object({
      assignedHub: z
        .string()
        .regex(/^[A-Za-z0-9.-]{1,253}$/)
        .optional(),
      deviceId: z.string().min(1).max(128).optional(),
      errorCode: z.unknown().optional(),
      errorMessage: z.string().optional(),
    })
    .optional(),
});

interface Answer extends z.output<typeof answerSchema> {
  readonly code: number;
  readonly waitMs: number;
}

/**
 * Registers a device and waits until it is assigned to a hub. Rejects with HUB_UNAUTHORIZED where a person has to do something,
 * HUB_THROTTLED or HUB_TIMEOUT where waiting helps.
 */
export async function provision(registration: Registration, line: QuestionLine, subject: string): Promise<Assignment> {
  const deadlineMs = line.clock.monotonicMs() + LONGEST_MS;
  const register: Packet = request('PUT/iotdps-register', '', JSON.stringify(registration));
  let asking = register;
  for (let number = 1; ; number += 1) {
    const answer = await ask(asking, number, line);
    const assignment = judge(answer, subject);
    if (assignment !== undefined) return assignment;
    if (line.clock.monotonicMs() + answer.waitMs > deadlineMs) throw late(answer, subject);
    await line.clock.sleep(answer.waitMs);
    if (answer.operationId !== undefined && answer.code < 300) {
      asking = request('GET/iotdps-get-operationstatus', `&operationId=${encodeURIComponent(answer.operationId)}`, ' ');
    }
  }
}

function request(operation: string, query: string, body: string): Packet {
  return { topic: `$dps/registrations/${operation}/?${query}`, payload: Buffer.from(body), qos: 1, retain: false };
}

async function ask(packet: Packet, number: number, line: QuestionLine): Promise<Answer> {
  const answering = line.next(({ topic }) => answerTopic(topic)?.requestId === String(number), ANSWER_WAIT_MS);
  answering.catch(() => {});
  await line.publish({ ...packet, topic: packet.topic.replace('?', `?$rid=${number}`) });
  const { topic, payload } = await answering;
  const { code = 0, retryAfterMs = 0 } = answerTopic(topic) ?? {};
  return { ...parse(payload), code, waitMs: Math.max(LEAST_WAIT_MS, retryAfterMs) };
}

function answerTopic(topic: string) {
  const [, code, query = ''] = /^\$dps\/registrations\/res\/(\d{3})\/\?(.*)$/.exec(topic) ?? [];
  const { $rid: requestId, 'retry-after': retryAfter } = decodeBag(query) ?? {};
  if (code === undefined) return undefined;
  const seconds = Number(retryAfter ?? 0);
  return { code: Number(code), requestId, retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : 0 };
}

function parse(payload: Uint8Array): z.output<typeof answerSchema> {
  try {
    return answerSchema.safeParse(JSON.parse(Buffer.from(payload).toString('utf8'))).data ?? {};
  } catch {
    return {};
  }
}

/** `undefined`: ask again later. */
function judge({ code, status, registrationState }: Answer, subject: string): Assignment | undefined {
  if (code === 429 || code >= 500) return undefined;
  if (code >= 300) throw refused(subject, `it answers ${code}; check id scope, registration id and credential`);
  if (status === 'failed' || status === 'disabled') {
    const { errorCode = '', errorMessage = 'no reason is told' } = registrationState ?? {};
    throw refused(subject, `the registration is ${status}: ${errorMessage} ${String(errorCode)}`.trim());
  }
  if (status !== 'assigned') return undefined;
  const { assignedHub: host, deviceId } = registrationState ?? {};
  if (host !== undefined && deviceId !== undefined) return { host, deviceId };
  throw new GatewayError('HUB_REFUSED', subject, 'the provisioning service assigns the gateway without telling the hub');
}

function refused(subject: string, why: string): GatewayError {
  return new GatewayError('HUB_UNAUTHORIZED', subject, `the provisioning service does not register the gateway: ${why}`);
}

function late({ code, status }: Answer, subject: string): GatewayError {
  if (code >= 300) return new GatewayError('HUB_THROTTLED', subject, `the provisioning service answers ${code} all the time`);
  return new GatewayError('HUB_TIMEOUT', subject, `the provisioning service has not assigned a hub, it says \`${status ?? ''}\``);
}
