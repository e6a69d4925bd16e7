import { createHmac, timingSafeEqual } from 'node:crypto';

export interface SasExpectation {
  /** Not encoded, e.g. `127.0.0.1/devices/gw-01`. */
  readonly resource: string;
  /** In base64; any will do. */
  readonly keys: readonly string[];
  readonly policy?: string;
  readonly nowMs: number;
}

/** The end of a valid token, milliseconds since 1970; or what is wrong with it. */
export function checkSas(token: string, { resource, keys, policy, nowMs }: SasExpectation): number | string {
  const [scheme, rest, ...more] = token.split(' ');
  if (scheme !== 'SharedAccessSignature' || rest === undefined || more.length > 0) return 'no shared access signature';
  const fields = new Map<string, string>();
  for (const field of rest.split('&')) {
    const at = field.indexOf('=');
    if (at < 1 || fields.has(field.slice(0, at))) return `field ${field}`;
    fields.set(field.slice(0, at), field.slice(at + 1));
  }
  const [sr = '', sig = '', se = '', skn] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name));
  if (skn !== policy) return `skn is ${skn}`;
  if (decodeURIComponent(sr) !== resource) return `sr is ${sr}`;
  if (/[^A-Za-z0-9%._~-]/.test(sr)) return `sr is not encoded: ${sr}`;
  if (!/^\d{10}$/.test(se)) return `se is ${se}`;
  if (/[^A-Za-z0-9%]/.test(sig)) return 'sig is not encoded';
  const given = Buffer.from(decodeURIComponent(sig), 'base64');
  const isRight = keys.some((key) => {
    const wanted = createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`, 'utf8').digest();
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  });
  if (!isRight) return 'the signature is wrong';
  return Number(se) * 1_000 > nowMs ? Number(se) * 1_000 : 'it has expired';
}
