import { GatewayError } from '../../../model/error.ts';
import { slashesOf } from './check.ts';
import { MAX_SLASHES, MAX_TOPIC_BYTES } from './limits.ts';

/** A topic AWS takes. Throws CONFIG_INVALID. */
export function requireTopic(topic: string, subject: string): string {
  const bytes = Buffer.byteLength(topic);
  if (bytes > MAX_TOPIC_BYTES)
    throw new GatewayError('CONFIG_INVALID', subject, `the topic \`${topic}\` has ${bytes} bytes, AWS takes ${MAX_TOPIC_BYTES}`);
  if (slashesOf(topic) > MAX_SLASHES)
    throw new GatewayError(
      'CONFIG_INVALID',
      subject,
      `the topic \`${topic}\` has more than the ${MAX_SLASHES} slashes AWS takes`,
    );
  return topic;
}

/** Basic ingest: straight to a rule; the prefix does not count as part of the topic. */
export function ingestTopic(rule: string | undefined, topic: string): string {
  return rule === undefined ? topic : `$aws/rules/${rule}/${topic}`;
}
