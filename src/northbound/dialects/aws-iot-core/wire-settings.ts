import type { GatewayIdentity } from '../../../model/plan.ts';
import type { Packet, WireSettings } from '../../dialect.ts';
import { toPrivateKey } from '../../key-settings.ts';
import { toProxy } from '../../proxy-settings.ts';
import { TOPICS_PER_SUBSCRIBE } from './limits.ts';
import type { AwsSettings } from './settings.ts';

/** Who asks where there is no other: ALPN tells AWS which protocol is meant at the port of HTTPS. */
const ALPN = 'x-amzn-mqtt-ca';
const HTTPS_PORT = 443;

export function wireSettings(settings: AwsSettings, gateway: GatewayIdentity, will: Packet): WireSettings {
  const { host, port, alpn = port === HTTPS_PORT, auth, ca } = settings;
  return {
    endpoints: [{ host, port, tls: true, ...(alpn ? { alpn: ALPN } : {}) }],
    failBackAfterMs: Number.POSITIVE_INFINITY,
    protocolVersion: settings.protocol === 5 ? 5 : 4,
    clientId: settings.thing ?? gateway.id,
    ...(auth === undefined ? {} : { certificateFile: auth.certificate, ...toPrivateKey(auth.privateKey) }),
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(settings.pin === undefined ? {} : { pins: settings.pin }),
    ...toProxy(settings.proxy),
    topicsPerSubscribe: TOPICS_PER_SUBSCRIBE,
    keepAliveMs: settings.keepAlive,
    connectTimeoutMs: settings.connectTimeout,
    acknowledgeTimeoutMs: settings.acknowledgeTimeout,
    window: settings.window,
    will,
  };
}
