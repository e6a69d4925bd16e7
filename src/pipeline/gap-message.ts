import type { DeviceGap } from '../model/device-gap.ts';
import type { Draft } from '../model/draft.ts';
import type { DevicePlan } from '../model/plan.ts';

/** Names of points above this many characters are left out, so that a gap record stays small. */
const MAX_POINTS_LENGTH = 2_000;

/** What a device missed as a message, for every hub of the device. */
export function gapDraft({ twin, model, hubs }: DevicePlan, { reason, points, ...gap }: Omit<DeviceGap, 'device'>): Draft {
  const { fromTimeMs, toTimeMs, readings } = gap;
  const names = points.map(({ name }) => name);
  const named = names.join().length > MAX_POINTS_LENGTH ? {} : { points: names };
  return {
    message: {
      ...{ twin, ...(model === undefined ? {} : { model }), kind: 'gap', startTimeMs: fromTimeMs, values: {} },
      gap: { reason, fromTimeMs, toTimeMs, messages: 0, readings, ...named },
    },
    hubs: hubs.gap,
  };
}
