import { GatewayError } from '../../../model/error.ts';
import type { Packet, QuestionLine } from '../../dialect.ts';
import { createKeyWithRequest } from './csr.ts';
import type { NewIdentity } from './identity-store.ts';
import { type JsonMap, readJson, writeJson } from './read-json.ts';

const CREATE = '$aws/certificates/create-from-csr/json';
const ANSWER_WITHIN_MS = 30_000;

export interface ProvisioningRequest {
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** In the certificate signing request. */
  readonly commonName: string;
}

export function provisioningTopics(template: string): readonly string[] {
  const register = registerTopic(template);
  return [CREATE, register].flatMap((topic) => [`${topic}/accepted`, `${topic}/rejected`]);
}

/**
 * Fleet provisioning by claim (docs.aws.amazon.com/iot/latest/developerguide/fleet-provision-api.html): a certificate for a key that is made
 * here and never sent, then the thing for it. The token of ownership lives an hour, and only here. Rejects with HUB_UNAUTHORIZED where
 * the claim or the template is refused.
 */
export async function provision(
  line: QuestionLine,
  { template, parameters, commonName }: ProvisioningRequest,
): Promise<NewIdentity> {
  const { privateKey, request } = await createKeyWithRequest(commonName);
  const created = await ask(line, CREATE, { certificateSigningRequest: request });
  const certificate = textOf(created, 'certificatePem');
  const certificateOwnershipToken = textOf(created, 'certificateOwnershipToken');
  const registered = await ask(line, registerTopic(template), { certificateOwnershipToken, parameters });
  return { thing: textOf(registered, 'thingName'), certificate, privateKey };
}

function registerTopic(template: string): string {
  return `$aws/provisioning-templates/${template}/provision/json`;
}

async function ask(line: QuestionLine, topic: string, body: JsonMap): Promise<JsonMap> {
  const isAnswer = (packet: Packet) => packet.topic === `${topic}/accepted` || packet.topic === `${topic}/rejected`;
  const answering = line.next(isAnswer, ANSWER_WITHIN_MS);
  const [answer] = await Promise.all([
    answering,
    line.publish({ topic, payload: Buffer.from(writeJson(body)), qos: 1, retain: false }),
  ]);
  const told = readJson(answer.payload, topic);
  if (answer.topic.endsWith('/accepted')) return told;
  throw refusal(topic, told);
}

function refusal(topic: string, { statusCode, errorCode, errorMessage }: JsonMap): GatewayError {
  const text = `provisioning is refused: ${String(statusCode)} ${String(errorCode)} ${String(errorMessage).slice(0, 200)}`;
  const passes = Number(statusCode) === 429 || Number(statusCode) >= 500;
  return new GatewayError(passes ? 'HUB_THROTTLED' : 'HUB_UNAUTHORIZED', topic, text);
}

function textOf(body: JsonMap, key: string): string {
  const value = body[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new GatewayError('HUB_REFUSED', CREATE, `the answer to provisioning has no \`${key}\``);
}
