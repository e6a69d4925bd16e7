/** Quotas of AWS IoT Core that an account cannot have raised, or that are its default (docs.aws.amazon.com/general/latest/gr/iot-core.html). */

/** Of a publish; more ends the connection. */
export const MAX_PAYLOAD_BYTES = 128 * 1_024;
/** Of a topic, without the prefix of basic ingest. */
export const MAX_SLASHES = 7;
export const MAX_TOPIC_BYTES = 256;
export const MAX_CLIENT_ID_BYTES = 128;
export const MAX_SHADOW_NAME_LENGTH = 64;
export const TOPICS_PER_SUBSCRIBE = 8;
export const MAX_SUBSCRIPTIONS = 50;
/** Of all publishes of a connection. */
export const MAX_BYTES_PER_SECOND = 512 * 1_024;
/** Messages a second unless the configuration says otherwise. */
export const MESSAGES_PER_SECOND = 75;
/** Everything but refusals of what cannot be read; with them, bursts and delays on the way never above the 100 that a connection has. */
export const PUBLISHES_PER_SECOND = 80;
export const REFUSALS_PER_SECOND = 8;
/** Requests to shadows or jobs without an answer; 10 are allowed. */
export const MAX_REQUESTS_IN_FLIGHT = 8;
/** Requests a second; a thing has 20 of them. */
export const REQUESTS_PER_SECOND = 14;
export const KEEP_ALIVE_MS = { min: 30_000, max: 1_200_000 } as const;
/** How messages are billed. */
export const CHUNK = '5 KiB';
export const CHUNK_BYTES = 5 * 1_024;
