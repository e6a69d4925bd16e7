import type { Remark } from '../../../src/model/declaration.ts';
import type { ArgumentPlan, ConnectionPlan, MethodPlan } from '../../../src/model/plan.ts';
import type { OpcuaMethod } from './features.ts';
import { type OpcuaDevice, type OpcuaPoint, type OpcuaSettings, securityMode } from './settings.ts';

export type OpcuaPlan = ConnectionPlan<OpcuaSettings, OpcuaDevice, OpcuaPoint>;

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

export function hostOf(url: string): string {
  return /^opc\.tcp:\/\/(\[[^\]]+\]|[^:/]+)/.exec(url)?.[1] ?? '';
}

/** What one key alone cannot tell: security that does not fit, addresses and keys that will disappoint. */
export function checkPlan(plan: OpcuaPlan): readonly Remark[] {
  return [
    ...checkSecurity(plan.settings),
    ...checkTimes(plan.settings),
    ...checkServers(plan.settings),
    ...plan.devices.flatMap(({ points, patterns = [] }) =>
      [...points, ...patterns].flatMap(({ point }) => checkPoint(point as OpcuaPlanPoint)),
    ),
    ...plan.devices.flatMap(checkMethods),
  ];
}

function checkSecurity(settings: OpcuaSettings): readonly Remark[] {
  const { policy } = settings.security;
  const mode = securityMode(settings.security);
  if ((policy === 'none') !== (mode === 'none')) {
    return [
      {
        severity: 'error',
        key: 'security',
        message: `policy \`${policy}\` does not go with mode \`${mode}\``,
        hint: 'leave out `mode`, or set both to `none`',
      },
    ];
  }
  if (mode !== 'none' || settings.insecure) return [];
  if (settings.user !== undefined && 'tokenFile' in settings.user) {
    return [
      {
        severity: 'error',
        key: 'security',
        message: 'policy `none` would send the token of the user readable',
        hint: 'use another policy, or say `insecure: true` beside `url`',
      },
    ];
  }
  if (settings.user !== undefined && 'name' in settings.user) {
    return [
      {
        severity: 'error',
        key: 'security',
        message: `policy \`none\` would send the password of ${settings.user.name} readable`,
        hint: 'use another policy, or say `insecure: true` beside `url`',
      },
    ];
  }
  // Whoever connects to a listener may call himself as he likes.
  const peers = settings.reverseConnect === undefined ? settings.url : [`opc.tcp://${settings.reverseConnect.listen}`];
  const peer = peers.map(hostOf).find((host) => !LOOPBACK.test(host));
  if (peer === undefined) return [];
  return [
    {
      severity: 'error',
      key: 'security',
      message: `policy \`none\` to ${peer} leaves every value, and the user, open to anybody on the way`,
      hint: 'use another policy, or say `insecure: true` beside `url`',
    },
  ];
}

function checkServers({ url, reverseConnect }: OpcuaSettings): readonly Remark[] {
  if (url.length < 2 || reverseConnect === undefined) return [];
  return [
    { severity: 'error', key: 'url', message: '`reverseConnect` waits for one server, not for a list', hint: 'give one `url`' },
  ];
}

function checkTimes({ keepAlive, sessionTimeout }: OpcuaSettings): readonly Remark[] {
  if (keepAlive * 2.5 < sessionTimeout) return [];
  return [
    {
      severity: 'error',
      key: 'keepAlive',
      message: `2.5 times keepAlive (${keepAlive} ms) must be shorter than sessionTimeout (${sessionTimeout} ms)`,
    },
  ];
}

type OpcuaPlanPoint = OpcuaPlan['devices'][number]['points'][number]['point'];

function checkPoint({ device, name, address: keys, access }: OpcuaPlanPoint): readonly Remark[] {
  if (keys === undefined) return [];
  const remarks: Remark[] = access === 'read' ? [] : checkWrittenPart(keys).map((remark) => ({ ...remark, device, point: name }));
  remarks.push(...checkAggregate(keys, access).map((remark) => ({ ...remark, device, point: name })));
  const warn = (key: string, message: string, hint: string) =>
    remarks.push({ severity: 'warning', device, point: name, key, message, hint });
  if ('namespace' in keys.address && typeof keys.address.namespace === 'number' && keys.address.namespace > 0) {
    warn(
      'address',
      `namespace index ${keys.address.namespace} may mean another namespace after the server is changed`,
      'write `nsu=` and the URI that the server lists at this index in its NamespaceArray (i=2255)',
    );
  }
  if (keys.read === 'poll' && (keys.serverDeadband ?? keys.sampling ?? keys.queueSize) !== undefined) {
    warn('read', 'a polled point has no sampling, queue or deadband at the server', 'use `read: subscribe`, or drop these keys');
  }
  return remarks;
}

const NOT_AGGREGATED = ['path', 'indexRange', 'sampling', 'queueSize', 'publishingInterval', 'serverDeadband'] as const;

function checkAggregate(keys: OpcuaPoint, access: OpcuaPlanPoint['access']): readonly Remark[] {
  if (keys.serverAggregate === undefined) return [];
  const message = (key: string) => `\`${key}\` does not go with \`serverAggregate\`, which the server computes from its history`;
  const given = NOT_AGGREGATED.filter((key) => keys[key] !== undefined);
  const wrong = [...given, ...(keys.read === 'poll' ? ['read'] : [])].map(
    (key): Remark => ({ severity: 'error', key, message: message(key), hint: 'leave out one of them' }),
  );
  const hint = 'write by another point with the same address';
  return access === 'read' ? wrong : [...wrong, { severity: 'error', key: 'serverAggregate', message: message('write'), hint }];
}

/** An element of an array is written alone by the server; a field of a structure is not. */
function checkWrittenPart({ path = [], indexRange, readModifyWrite }: OpcuaPoint): readonly Remark[] {
  const hasField = path.some((step) => typeof step === 'string');
  if (path.length > 0 && indexRange !== undefined) {
    const message = 'a point with `path` and `indexRange` cannot be written';
    return [
      { severity: 'error', key: 'indexRange', message, hint: 'leave out `indexRange` and count `path` from the whole array' },
    ];
  }
  if (!hasField || readModifyWrite) return [];
  return [
    {
      severity: 'error',
      key: 'path',
      message: 'OPC UA cannot write one field of a structure alone',
      hint: '`readModifyWrite: true` reads the structure, changes the field and writes it back; or write a point that is the whole structure',
    },
  ];
}

const OF_CONDITIONS = { conditionId: 'string', eventId: 'bytes', comment: 'string' } as const;

function checkMethods({ twin: device, methods = [] }: OpcuaPlan['devices'][number]): readonly Remark[] {
  return methods.flatMap((plan) => {
    const remark = checkMethod(plan as MethodPlan<OpcuaMethod>);
    return remark === undefined ? [] : [{ severity: 'error', device, method: plan.name, ...remark }];
  });
}

function checkMethod({
  settings,
  arguments: given,
}: MethodPlan<OpcuaMethod>): Pick<Remark, 'key' | 'message' | 'hint'> | undefined {
  const { object, method, condition } = settings;
  if (condition === undefined) {
    if (object !== undefined && method !== undefined) return undefined;
    return { message: '`object` and `method` have to be named', hint: 'both are node ids, as a browser for OPC UA shows them' };
  }
  if (object !== undefined || method !== undefined)
    return { key: 'condition', message: '`condition` stands instead of `object` and `method`', hint: 'remove one or the other' };
  const wanted = Object.entries(OF_CONDITIONS);
  const isRight = given.length === wanted.length && wanted.every(([name, type], at) => isArgument(given[at], name, type));
  if (isRight) return undefined;
  const hint = `arguments: { ${wanted.map(([name, type]) => `${name}: { type: ${type} }`).join(', ')} }`;
  return { key: 'condition', message: `\`${condition}\` takes a condition, an event and a comment`, hint };
}

function isArgument(given: ArgumentPlan | undefined, name: string, type: string): boolean {
  return given?.name === name && given.type === type && !given.isArray;
}
