import type { Remark } from '../../../model/declaration.ts';
import { isLoopback } from '../../loopback.ts';
import { checkShape } from '../../shapes/check.ts';
import { brokerOf } from './broker.ts';
import type { BrokerSettings, MqttSettings } from './settings.ts';
import { placeholdersOf, templateFault } from './topic-template.ts';

/** Four bytes (MQTT 5 §3.3.2.3.3). */
const MAX_EXPIRY_MS = (2 ** 32 - 1) * 1_000;
const MIN_EXPIRY_MS = 1_000;

/**
 * What one key alone cannot tell. `labels` are the names of all labels of the gateway and its twins; without them labels are not checked
 * here, but when the dialect is made.
 */
export function checkSettings(settings: MqttSettings, labels?: readonly string[]): readonly Remark[] {
  const hasKindInTopic = placeholdersOf(settings.topic).includes('kind');
  const shape = checkShape(settings.shape, { hasProperties: settings.protocol === 5, hasKindInTopic, labels });
  return [
    ...checkTransport(settings),
    ...checkTopics(settings, labels),
    ...checkTimes(settings),
    ...checkExpiry(settings),
    ...shape,
  ];
}

/** Of what every dialect asks of a broker. */
export function checkBrokerSettings(settings: BrokerSettings): readonly Remark[] {
  return [...checkTransport(settings), ...checkTimes(settings)];
}

function checkTransport(settings: BrokerSettings): Remark[] {
  return settings.url.flatMap((url) => checkBroker(url, settings));
}

function checkBroker(url: string, { auth, ca, insecure }: BrokerSettings): Remark[] {
  const broker = brokerOf(url);
  if (broker === undefined)
    return [fault('url', `\`${url}\` is not the address of a broker`, 'e.g. `mqtts://broker.example:8883`')];
  if (broker.tls) return [];
  const secure = broker.webSocketPath === undefined ? 'mqtts://' : 'wss://';
  const remarks: Remark[] = [];
  if (!insecure && !isLoopback(broker.host)) {
    remarks.push(
      fault(
        'url',
        `\`${url}\` would leave this machine without TLS`,
        `use \`${secure}\`, or say \`insecure: true\` if the network is trusted`,
      ),
    );
  }
  if (auth !== undefined && 'certificate' in auth)
    remarks.push(fault('auth', 'a client certificate needs TLS', `use \`${secure}\``));
  if (ca !== undefined)
    remarks.push({ severity: 'warning', key: 'ca', message: '`ca` has no effect without TLS', hint: `use \`${secure}\`` });
  return remarks;
}

function checkTopics(settings: MqttSettings, labels: readonly string[] | undefined): Remark[] {
  const { topic, statusTopic, commands } = settings;
  const known = (names: readonly string[], template: string) => [...names, ...(labels ?? placeholdersOf(template))];
  const check = (key: string, template: string, names: readonly string[]): Remark[] => {
    const found = templateFault(template, known(names, template));
    return found === undefined ? [] : [{ severity: 'error', key, ...found }];
  };
  const remarks = [...check('topic', topic, ['gateway', 'twin', 'kind']), ...check('statusTopic', statusTopic, ['gateway'])];
  if (commands === false) return remarks;
  remarks.push(
    ...check('commands', commands.topic, ['gateway', 'twin']),
    ...check('commands', commands.results, ['gateway', 'twin']),
  );
  if (!placeholdersOf(commands.topic).includes('twin')) {
    remarks.push(
      fault('commands', `\`${commands.topic}\` does not say which twin is meant`, 'put `{twin}` into `commands.topic`'),
    );
  }
  if (commands.topic === commands.results) {
    remarks.push(
      fault('commands', '`commands.topic` and `commands.results` are the same', 'results would come back as commands'),
    );
  }
  return remarks;
}

function checkExpiry({ protocol, expireAfter }: MqttSettings): Remark[] {
  if (expireAfter === undefined) return [];
  if (protocol !== 5) return [fault('expireAfter', 'MQTT 3.1.1 knows no expiry of messages', 'use `protocol: 5`')];
  const isWrong = (ms = MIN_EXPIRY_MS) => ms < MIN_EXPIRY_MS || ms > MAX_EXPIRY_MS;
  return Object.values(expireAfter).some(isWrong)
    ? [fault('expireAfter', 'MQTT counts in whole seconds, from 1 s to 49710 d')]
    : [];
}

function checkTimes({ failBackAfter, keepAlive, connectTimeout, acknowledgeTimeout }: BrokerSettings): Remark[] {
  const remarks: Remark[] = [];
  if (failBackAfter < 1_000) remarks.push(fault('failBackAfter', 'expected at least `1 s`'));
  if (keepAlive < 1_000 || keepAlive > 65_535_000) {
    remarks.push(fault('keepAlive', 'MQTT counts in whole seconds, from 1 s to 65535 s'));
  }
  for (const [key, ms] of Object.entries({ connectTimeout, acknowledgeTimeout })) {
    if (ms < 100 || ms > 600_000) remarks.push(fault(key, 'expected from `100 ms` to `10 min`'));
  }
  return remarks;
}

function fault(key: string, message: string, hint?: string): Remark {
  return { severity: 'error', key, message, ...(hint === undefined ? {} : { hint }) };
}
