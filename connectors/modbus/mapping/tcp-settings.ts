import { z } from 'zod';
import { certificateFile, portNumber, secret } from '../../../src/model/schema.ts';

/** Keys that only Modbus TCP has. */
const FINGERPRINT = /^[0-9a-f]{2}(:?[0-9a-f]{2}){31}$/i;

const tlsKeys = z.strictObject({
  ca: certificateFile()
    .optional()
    .meta({
      description: 'Certificate of the authority that issued the certificate of the device, PEM',
      examples: ['plant-ca.crt'],
    }),
  fingerprint: z
    .string()
    .regex(FINGERPRINT, 'the SHA-256 fingerprint of a certificate: 32 bytes in hexadecimal, e.g. `9F:86:D0:…`')
    .optional()
    .meta({
      description: 'Instead of `ca`: trusts exactly the certificate with this SHA-256 fingerprint, whatever name it bears',
    }),
  serverName: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'Name that the certificate of the device must bear. Default: `host`',
      examples: ['press-07.plant-a.example'],
    }),
  certificate: certificateFile()
    .optional()
    .meta({ description: 'Certificate of the gateway for this device, PEM, with its chain', examples: ['gateway.crt'] }),
  privateKey: secret()
    .optional()
    .meta({ description: 'Private key of that certificate, PEM', examples: ['!secret gateway.key'] }),
});

const tls = tlsKeys
  .superRefine(({ ca, fingerprint, certificate, privateKey }, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', message });
    if ((ca === undefined) === (fingerprint === undefined))
      complain('exactly one of `ca` and `fingerprint`, by which the device is known');
    if ((certificate === undefined) !== (privateKey === undefined))
      complain('`certificate` and `privateKey` together, or neither');
  })
  .optional()
  .meta({
    description:
      'Modbus/TCP Security: TLS 1.2 or newer. `certificate` with `privateKey` is who the gateway is; what it may do there, the device decides by the role in it',
    examples: [{ ca: 'plant-ca.crt', certificate: 'gateway.crt', privateKey: '!secret gateway.key' }],
  });

export const tcpKeys = {
  port: portNumber().optional().meta({ description: 'TCP port. Default: 502, with `tls` 802' }),
  tls,
  maxInFlight: z
    .int()
    .min(1)
    .max(16)
    .default(1)
    .meta({
      description: 'Requests sent on one connection before the first is answered; only for devices known to take several',
      examples: [4],
    }),
  connections: z
    .int()
    .min(1)
    .max(8)
    .default(1)
    .meta({
      description: 'Connections to the device that are used side by side; many devices allow one to four in all',
      examples: [2],
    }),
};

export type TlsSettings = z.output<typeof tlsKeys>;

const PORT = 502;
const SECURE_PORT = 802;

export function portOf({ port, tls: secured }: { readonly port?: number | undefined; readonly tls?: unknown }): number {
  return port ?? (secured === undefined ? PORT : SECURE_PORT);
}
