import { createHmac } from 'node:crypto';

export interface TokenRequest {
  /** `{host}/devices/{deviceId}`, or `{idScope}/registrations/{registrationId}`. */
  readonly resource: string;
  /** Not in base64. */
  readonly key: Uint8Array;
  /** UTC, milliseconds since 1970. */
  readonly expiresTimeMs: number;
  /** `registration` for the provisioning service; absent for the key of a device. */
  readonly policy?: string;
}

/** A shared access signature: HMAC-SHA256 over the encoded resource and the time of its end, in seconds. */
export function sasToken({ resource, key, expiresTimeMs, policy }: TokenRequest): string {
  const sr = encodeStrictly(resource);
  const se = Math.floor(expiresTimeMs / 1_000);
  const signature = createHmac('sha256', key).update(`${sr}\n${se}`).digest('base64');
  const skn = policy === undefined ? '' : `&skn=${policy}`;
  return `SharedAccessSignature sr=${sr}&sig=${encodeStrictly(signature)}${skn}&se=${se}`;
}

/** The key of one device of an enrolment group. Upper and lower case of the registration id make different keys. */
export function deriveKey(groupKey: Uint8Array, registrationId: string): Uint8Array {
  return createHmac('sha256', groupKey).update(registrationId).digest();
}

/** Percent-encoding that leaves nothing but letters, digits, `-`, `_`, `.` and `~`. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
