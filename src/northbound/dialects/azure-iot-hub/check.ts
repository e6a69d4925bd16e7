import type { Remark } from '../../../model/declaration.ts';
import { checkShape } from '../../shapes/check.ts';
import type { AzureSettings } from './settings.ts';
import { hasTwins } from './tiers.ts';

const MINUTE_MS = 60_000;
/** The longest silence that the hub allows. */
const MAX_KEEP_ALIVE_MS = 1_177_000;

/** What one key alone cannot tell. */
export function checkSettings(settings: AzureSettings): readonly Remark[] {
  return [
    ...checkHub(settings),
    ...checkIdentity(settings),
    ...checkTimes(settings),
    ...checkTier(settings),
    ...checkShape(settings.shape, { hasProperties: true, hasKindInTopic: true }),
  ];
}

function checkHub({ host, provisioning, auth }: AzureSettings): Remark[] {
  if (host === undefined && provisioning === undefined)
    return [fault('host', 'neither `host` nor `provisioning` says which hub', 'e.g. `host: acme.azure-devices.net`')];
  if (host !== undefined && provisioning !== undefined)
    return [
      fault('host', '`host` and `provisioning` both say which hub', 'the provisioning service tells the host; leave it away'),
    ];
  if (provisioning === undefined && 'groupKey' in auth) {
    const message = 'without `provisioning` the keys of a group are those of the devices only where it made them';
    return [{ severity: 'warning', key: 'auth', message }];
  }
  return [];
}

function checkIdentity({ deviceIdentity, deviceId, auth, provisioning }: AzureSettings): Remark[] {
  const isForMany = 'groupKey' in auth || 'keyFiles' in auth || 'certificates' in auth;
  if (deviceIdentity === 'gateway') {
    if (isForMany && !('groupKey' in auth))
      return [
        fault(
          'auth',
          'a file for each twin is for `deviceIdentity: per-device`',
          'give `key`, or `certificate` and `privateKey`',
        ),
      ];
    return [];
  }
  const remarks: Remark[] = [];
  if (!isForMany) {
    const hint = 'give `groupKey`, `keyFiles`, or `certificates` and `privateKeys`';
    remarks.push(fault('auth', 'one credential cannot be that of several devices', hint));
  }
  if (deviceId !== undefined) remarks.push(fault('deviceId', 'with `per-device` each device is named like its twin'));
  if (provisioning?.registrationId !== undefined)
    remarks.push(fault('provisioning', 'with `per-device` each registration id is that of the twin', 'remove `registrationId`'));
  return remarks;
}

function checkTimes({ tokenLife, keepAlive, connectTimeout, acknowledgeTimeout }: AzureSettings): Remark[] {
  const remarks: Remark[] = [];
  if (tokenLife < 5 * MINUTE_MS || tokenLife > 365 * 24 * 60 * MINUTE_MS)
    remarks.push(fault('tokenLife', 'expected from `5 min` to `365 d`'));
  if (keepAlive < 1_000 || keepAlive > MAX_KEEP_ALIVE_MS)
    remarks.push(fault('keepAlive', 'expected from `1 s` to `1177 s`, which is the most that the hub allows'));
  for (const [key, ms] of Object.entries({ connectTimeout, acknowledgeTimeout })) {
    if (ms < 100 || ms > 600_000) remarks.push(fault(key, 'expected from `100 ms` to `10 min`'));
  }
  return remarks;
}

function checkTier({ tier, properties }: AzureSettings): Remark[] {
  if (hasTwins(tier)) return [];
  const message = `tier ${tier} has no twins, methods or messages to devices: properties are sent as messages, and no command comes`;
  return properties === 'messages' ? [] : [{ severity: 'warning', key: 'tier', message, hint: 'say `properties: messages`' }];
}

function fault(key: string, message: string, hint?: string): Remark {
  return { severity: 'error', key, message, ...(hint === undefined ? {} : { hint }) };
}
