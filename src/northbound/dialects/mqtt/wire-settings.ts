import { GatewayError } from '../../../model/error.ts';
import type { GatewayIdentity } from '../../../model/plan.ts';
import type { WireSettings } from '../../dialect.ts';
import { brokerOf } from './broker.ts';
import type { MqttSettings } from './settings.ts';

export function wireSettings(settings: MqttSettings, gateway: GatewayIdentity): WireSettings {
  const broker = brokerOf(settings.url);
  if (broker === undefined) throw new GatewayError('CONFIG_INVALID', 'url', `\`${settings.url}\` is not the address of a broker`);
  return {
    ...broker,
    protocolVersion: settings.protocol === 5 ? 5 : 4,
    clientId: settings.clientId ?? gateway.id,
    ...credentials(settings),
    ...(settings.ca === undefined ? {} : { caFile: settings.ca }),
    keepAliveMs: settings.keepAlive,
    connectTimeoutMs: settings.connectTimeout,
    acknowledgeTimeoutMs: settings.acknowledgeTimeout,
    window: settings.window,
  };
}

function credentials({ auth }: MqttSettings): Partial<WireSettings> {
  if (auth === undefined) return {};
  if ('username' in auth) return { username: auth.username, password: auth.password };
  return { certificateFile: auth.certificate, privateKey: auth.privateKey };
}
