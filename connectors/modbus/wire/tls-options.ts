import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { GatewayError } from '../../../src/model/error.ts';
import type { TlsSettings } from '../mapping/tcp-settings.ts';

/** Modbus/TCP Security. Files are read at each attempt, so that a renewed certificate needs no restart. */
export async function tlsOptions(name: string, host: string, tls: TlsSettings): Promise<ConnectionOptions> {
  const serverName = tls.serverName ?? host;
  return {
    minVersion: 'TLSv1.2',
    // A pinned certificate is compared before anything is sent (`checkPin`).
    rejectUnauthorized: tls.fingerprint === undefined,
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(tls.ca === undefined ? {} : { ca: await readPem(tls.ca, 'LINK_UNTRUSTED', name) }),
    ...(tls.certificate === undefined ? {} : { cert: await readPem(tls.certificate, 'LINK_UNAUTHORIZED', name) }),
    ...(tls.privateKey === undefined ? {} : { key: Buffer.from(tls.privateKey.revealBytes()) }),
  };
}

async function readPem(file: string, code: 'LINK_UNTRUSTED' | 'LINK_UNAUTHORIZED', name: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new GatewayError(code, name, `${file} cannot be read`, { cause });
  }
}

/** What is wrong with the certificate of a device that is known by its fingerprint alone. */
export function checkPin(socket: TLSSocket, { fingerprint }: TlsSettings, name: string): GatewayError | undefined {
  if (fingerprint === undefined) return undefined;
  const shown = socket.getPeerCertificate().fingerprint256;
  if (shown !== undefined && bare(shown) === bare(fingerprint)) return undefined;
  const message = `the device shows another certificate than the pinned one: SHA-256 ${shown ?? 'none'}; if it was renewed, pin this one`;
  return new GatewayError('LINK_UNTRUSTED', name, message);
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toUpperCase();
}
