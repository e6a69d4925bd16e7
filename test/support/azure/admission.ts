import type { PeerCertificate } from 'node:tls';
import type { IConnectPacket } from 'mqtt-packet';
import type { DeviceTwin } from './device-twin.ts';
import { checkSas } from './sas-check.ts';

export interface DeviceEntry {
  readonly id: string;
  /** In base64. */
  keys: readonly string[];
  /** SHA-256, in hexadecimal with colons. */
  thumbprints: readonly string[];
  /** Any certificate of the test authority whose common name is the device id. */
  isCaSigned: boolean;
  isEnabled: boolean;
  readonly twin: DeviceTwin;
}

export interface Admission {
  readonly device: DeviceEntry;
  readonly expiresTimeMs: number;
}

export interface Circumstances {
  readonly host: string;
  readonly devices: ReadonlyMap<string, DeviceEntry>;
  readonly certificate: PeerCertificate | undefined;
  readonly nowMs: number;
}

const MAX_KEEP_ALIVE_S = 1_177;
const USER_NAME = /^(.*)\/\?api-version=2021-04-12(?:&model-id=dtmi:[A-Za-z0-9_:]+;[0-9.]+)?(?:&DeviceClientType=[^&]+)?$/;

/** Rules that a CONNECT breaks, whoever sends it. */
export function connectFaults({ clientId, protocolVersion, keepalive = 0, will }: IConnectPacket): readonly string[] {
  const faults: string[] = [];
  if (protocolVersion !== 4) faults.push(`protocol version ${protocolVersion}`);
  if (keepalive > MAX_KEEP_ALIVE_S) faults.push(`keep-alive of ${keepalive} s`);
  if (will === undefined) return faults;
  const isOwn = will.topic.startsWith(`devices/${clientId}/messages/events/`);
  if (!isOwn || will.retain === true || will.qos === 2) faults.push(`will for ${will.topic}`);
  return faults;
}

/** Who comes in, and for how long; or why not. */
export function admit(packet: IConnectPacket, circumstances: Circumstances): Admission | string {
  const { clientId, username = '' } = packet;
  const { host, devices } = circumstances;
  const [, user] = USER_NAME.exec(username) ?? [];
  if (user !== `${host}/${clientId}`) return `user name ${username}`;
  const device = devices.get(clientId);
  if (device?.isEnabled !== true) return `no device ${clientId}`;
  const expiresTimeMs = authenticate(packet, device, circumstances);
  return typeof expiresTimeMs === 'string' ? expiresTimeMs : { device, expiresTimeMs };
}

function authenticate(
  { password }: IConnectPacket,
  device: DeviceEntry,
  { host, certificate, nowMs }: Circumstances,
): number | string {
  if (password !== undefined && password.length > 0) {
    return checkSas(password.toString(), { resource: `${host}/devices/${device.id}`, keys: device.keys, nowMs });
  }
  if (certificate === undefined) return 'neither token nor certificate';
  const validToMs = Date.parse(certificate.valid_to);
  if (validToMs <= nowMs) return 'the certificate has expired';
  const isKnown = device.thumbprints.includes(certificate.fingerprint256);
  const isSigned = device.isCaSigned && certificate.subject.CN === device.id && certificate.issuer.CN === 'Test CA';
  return isKnown || isSigned ? validToMs : `certificate ${certificate.fingerprint256} of ${certificate.subject.CN}`;
}
