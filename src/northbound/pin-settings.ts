import { z } from 'zod';

/** A fingerprint as browsers and openssl show it, or a key as curl pins it. */
const PIN = /^(sha256\/[A-Za-z0-9+/]{43}=|([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})$/;

const pin = z.string().regex(PIN, 'the SHA-256 fingerprint of a certificate, `AB:CD:…`, or of a key, `sha256/…=`');

/** `pin:` of a hub; the same for every dialect. */
export function pinSetting() {
  return z
    .union([pin, z.array(pin).min(1).max(8)])
    .transform((pins) => (typeof pins === 'string' ? [pins] : pins))
    .optional()
    .meta({
      description:
        'The certificate of the hub by its SHA-256 fingerprint (`AB:CD:…`, as refusals in the log show it), or its key (`sha256/…=`, which stays when the certificate is renewed); several while one is replaced. Alone it takes the place of a CA; with `ca` both have to hold. Host name and expiry are checked all the same',
      examples: ['sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
    });
}
