import type { Remark } from '../../../src/model/declaration.ts';
import { devicePoints, type ModbusPlan, type RegisterPoint } from '../mapping/plan.ts';

/** A broadcast is a write, of whole registers or coils, on a serial line. */
export function checkBroadcasts(plan: ModbusPlan): readonly Remark[] {
  const points = plan.devices.flatMap(devicePoints).filter(({ address }) => address.broadcast);
  return points.flatMap((point) => {
    const [message, hint] = findFault(point, plan) ?? [];
    if (message === undefined || hint === undefined) return [];
    return [{ severity: 'error', device: point.device, point: point.name, key: 'broadcast', message, hint }];
  });
}

function findFault({ access, address }: RegisterPoint, { protocol }: ModbusPlan): readonly [string, string] | undefined {
  if (protocol === 'modbus-tcp') return ['Modbus TCP knows no broadcast', 'write to each device by itself'];
  if (access === 'read')
    return ['a broadcast cannot be read, and nothing may be written here', 'add `write:`, or take `broadcast` out'];
  const { writeWith, exponent } = address;
  if (exponent !== undefined)
    return [
      'each unit has an exponent of its own, and the same number means another value',
      'write the number without `exponent`',
    ];
  if (writeWith === 'read-write') return ['nobody answers a broadcast: nothing can be read with it', 'take `writeWith` out'];
  if (address.address.bit !== undefined && writeWith !== undefined && writeWith !== 'mask')
    return [
      'a broadcast writes whole registers: the other bits of this one would be those of one unit, in all units',
      '`writeWith: mask`, or a point of the whole register',
    ];
  return undefined;
}
