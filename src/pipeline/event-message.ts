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

/** `omitted` names what there was no room for. */
function withinSize(body: Body, maxBytes: number): Body {
  if (sizeOf(body) <= maxBytes) return body;
  const kept = Object.entries(body).toSorted(([, a], [, b]) => sizeOf(a) - sizeOf(b));
  const omitted: string[] = [];
  const attempt = () => ({ ...Object.fromEntries(kept), omitted });
  while (kept.length > 0 && sizeOf(attempt()) > maxBytes) {
    const [name] = kept.pop() ?? [];
    if (name !== undefined) omitted.push(name.slice(0, MAX_NAME));
  }
  return sizeOf(attempt()) <= maxBytes ? attempt() : { omitted: ['everything'] };
}

const MAX_NAME = 64;

function sizeOf(data: unknown): number {
  return Buffer.byteLength(JSON.stringify(data) ?? '');
}
