import type { Remark } from '../../../model/declaration.ts';
import type { DevicePlan } from '../../../model/plan.ts';
import { checkShape } from '../../shapes/check.ts';
import { placeholdersOf, templateFault } from '../mqtt/topic-template.ts';
import { KEEP_ALIVE_MS, MAX_SLASHES } from './limits.ts';
import type { AwsSettings } from './settings.ts';

/** What one key alone cannot tell; `labels` as in the declaration. */
export function checkSettings(settings: AwsSettings, labels?: readonly string[]): readonly Remark[] {
  return [
    ...checkIdentity(settings),
    ...checkTopics(settings, labels),
    ...checkTimes(settings),
    ...checkShape(settings.shape, {
      hasProperties: settings.protocol === 5,
      hasKindInTopic: placeholdersOf(settings.topic).includes('kind'),
      labels,
    }),
  ];
}

/** What is desired of a point stands in a shadow, and what it is then should, too. */
export function checkDevices({ shadows }: AwsSettings, devices: readonly DevicePlan[]): readonly Remark[] {
  if (!shadows) return [];
  return devices.flatMap(({ twin, points, patterns = [] }) =>
    [...points, ...patterns]
      .filter(({ point, write }) => write !== undefined && point.kind === 'telemetry')
      .map(({ point: { name } }): Remark => {
        const message = `\`${name}\` can be desired in the shadow of the twin, which does not follow when the machine is set by hand`;
        return { severity: 'warning', device: twin, point: name, key: 'write', message, hint: 'say `as: property`' };
      }),
  );
}

function checkIdentity({ auth, provisioning, thing }: AwsSettings): Remark[] {
  if (auth === undefined && provisioning === undefined)
    return [fault('auth', 'the gateway has no certificate', 'give it one by `auth`, or let it get one by `provisioning`')];
  if (auth !== undefined && provisioning !== undefined)
    return [
      fault('provisioning', 'either `auth` or `provisioning`, not both', 'the claim is for gateways without a certificate'),
    ];
  if (provisioning !== undefined && thing !== undefined)
    return [fault('thing', 'provisioning assigns the name of the thing', 'take this key out')];
  return [];
}

function checkTopics(settings: AwsSettings, labels: readonly string[] | undefined): Remark[] {
  const { topic, statusTopic, commands } = settings;
  const check = (key: string, template: string, names: readonly string[]): Remark[] => {
    const found = templateFault(template, [...names, ...(labels ?? placeholdersOf(template))]);
    if (found !== undefined) return [{ severity: 'error', key, ...found }];
    return slashesOf(template) <= MAX_SLASHES ? [] : [fault(key, `\`${template}\` has more than ${MAX_SLASHES} slashes`)];
  };
  const remarks = [...check('topic', topic, ['gateway', 'twin', 'kind']), ...check('statusTopic', statusTopic, ['gateway'])];
  if (commands === false) return remarks;
  remarks.push(
    ...check('commands', commands.topic, ['gateway', 'twin']),
    ...check('commands', commands.results, ['gateway', 'twin']),
  );
  if (!commands.topic.split('/').includes('{twin}'))
    remarks.push(fault('commands', `in \`${commands.topic}\` no level is \`{twin}\` alone`, 'e.g. `cmd/{gateway}/{twin}`'));
  if (commands.topic === commands.results)
    remarks.push(
      fault('commands', '`commands.topic` and `commands.results` are the same', 'results would come back as commands'),
    );
  return remarks;
}

export function slashesOf(topic: string): number {
  return topic.split('/').length - 1;
}

function checkTimes({ keepAlive, connectTimeout, acknowledgeTimeout }: AwsSettings): Remark[] {
  const remarks: Remark[] = [];
  if (keepAlive < KEEP_ALIVE_MS.min || keepAlive > KEEP_ALIVE_MS.max)
    remarks.push(fault('keepAlive', 'AWS takes from `30 s` to `20 min`'));
  for (const [key, ms] of Object.entries({ connectTimeout, acknowledgeTimeout })) {
    if (ms < 100 || ms > 600_000) remarks.push(fault(key, 'expected from `100 ms` to `10 min`'));
  }
  return remarks;
}

function fault(key: string, message: string, hint?: string): Remark {
  return { severity: 'error', key, message, ...(hint === undefined ? {} : { hint }) };
}
