import type { DeviceEvent } from '../model/device-event.ts';
import type { Draft } from '../model/draft.ts';
import type { DevicePlan } from '../model/plan.ts';
import { envelopeBytes } from './assembler.ts';

/** An event of a device as a message; `undefined` where no hub wants it. What is larger than a message may be loses its largest parts. */
export function eventDraft(
  device: DevicePlan,
  event: DeviceEvent,
  gateway?: Parameters<typeof envelopeBytes>[1],
): Draft | undefined {
  const { twin, model, hubs, message } = device;
  if (hubs.event.length === 0) return undefined;
  const { name, severity, sourceTimeMs } = event;
  const head = { name, ...(severity === undefined ? {} : { severity }) };
  const maxBytes = message.maxBytes - envelopeBytes(device, gateway);
  const body = { ...withinSize(toPlain(event.body), maxBytes - sizeOf(head)), ...head };
  return {
    message: { twin, ...(model === undefined ? {} : { model }), kind: 'event', startTimeMs: sourceTimeMs, values: {}, body },
    hubs: hubs.event,
  };
}

type Body = Readonly<Record<string, unknown>>;

/** What the spool and JSON keep as it is. Throws for what refers to itself. */
function toPlain(body: Body): Body {
  return JSON.parse(JSON.stringify(body, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part))) as Body;
}

/** Leaves out the largest parts first; `omitted` names them, as far as there is room. */
function withinSize(body: Body, maxBytes: number): Body {
  if (sizeOf(body) <= maxBytes) return body;
  const kept: [string, unknown][] = [];
  const omitted: string[] = [];
  let left = maxBytes - sizeOf({ omitted });
  for (const [name, part] of Object.entries(body).toSorted(([, a], [, b]) => sizeOf(a) - sizeOf(b))) {
    const bytes = sizeOf({ [name]: part });
    if (bytes + ROOM_FOR_NAMES > left) omitted.push(name);
    else {
      kept.push([name, part]);
      left -= bytes;
    }
  }
  return { ...Object.fromEntries(kept), omitted: fitting(omitted, ROOM_FOR_NAMES) };
}

/** Bytes for the names of what is left out. */
const ROOM_FOR_NAMES = 200;

function fitting(names: readonly string[], maxBytes: number): readonly string[] {
  let bytes = 0;
  return names.filter((name) => {
    bytes += sizeOf([name]);
    return bytes <= maxBytes;
  });
}

function sizeOf(data: unknown): number {
  return Buffer.byteLength(JSON.stringify(data) ?? '');
}
