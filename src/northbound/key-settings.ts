import { z } from 'zod';
import { secret } from '../model/schema.ts';
import type { WireSettings } from './dialect.ts';

const keyOnToken = z.strictObject({
  engine: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'the name of an OpenSSL engine')
    .default('pkcs11')
    .meta({ description: 'OpenSSL engine that reaches the token', examples: ['pkcs11'] }),
  uri: z
    .string()
    .min(1)
    .max(1_024)
    .regex(
      /^(?!.*pin-value=).*$/,
      'a URI without `pin-value`: the engine prints it when it finds no key; name a file by `pin-source=file:/…`',
    )
    .meta({
      description: 'The key, as the engine names it (RFC 7512); its PIN only by `pin-source=file:/…`',
      examples: ['pkcs11:token=gw;object=hub;type=private?pin-source=file:/run/credentials/fieldmarshal.service/hsm-pin'],
    }),
});

/** `privateKey:` beside a `certificate`: a secret, or a key that never leaves its token. */
export function privateKeySetting() {
  return z.union([secret(), keyOnToken]).meta({
    description: 'Private key of the certificate: PEM as a secret, or where it lies on a PKCS#11 token or TPM',
    examples: ['!secret hub.key'],
  });
}

export type PrivateKeySetting = z.output<ReturnType<typeof privateKeySetting>>;

/** As a part of `WireSettings`. */
export function toPrivateKey(setting: PrivateKeySetting): Pick<WireSettings, 'privateKey' | 'keyOnToken'> {
  return 'uri' in setting ? { keyOnToken: setting } : { privateKey: setting };
}
