import { GatewayError } from '../../../model/error.ts';
import type { GatewayIdentity } from '../../../model/plan.ts';
import type { Endpoint, WireSettings } from '../../dialect.ts';
import { toPrivateKey } from '../../key-settings.ts';
import { toProxy } from '../../proxy-settings.ts';
import { brokerOf } from './broker.ts';
import type { BrokerSettings } from './settings.ts';

export function wireSettings(settings: BrokerSettings, gateway: GatewayIdentity): WireSettings {
  return {
    endpoints: settings.url.map(endpointOf),
    failBackAfterMs: settings.failBackAfter,
    protocolVersion: settings.protocol === 5 ? 5 : 4,
    clientId: settings.clientId ?? gateway.id,
    ...credentials(settings),
    ...(settings.ca === undefined ? {} : { caFile: settings.ca }),
    ...(settings.pin === undefined ? {} : { pins: settings.pin }),
    ...toProxy(settings.proxy),
    keepAliveMs: settings.keepAlive,
    connectTimeoutMs: settings.connectTimeout,
    acknowledgeTimeoutMs: settings.acknowledgeTimeout,
    window: settings.window,
  };
}

function endpointOf(url: string): Endpoint {
  const broker = brokerOf(url);
  if (broker === undefined) throw new GatewayError('CONFIG_INVALID', 'url', `\`${url}\` is not the address of a broker`);
  return broker;
}

function credentials({ auth }: BrokerSettings): Partial<WireSettings> {
  if (auth === undefined) return {};
  if ('username' in auth) return { username: auth.username, password: auth.password };
  return { certificateFile: auth.certificate, ...toPrivateKey(auth.privateKey) };
}
