import type { Fields } from './audit-line.ts';

const MAX_TEXT = 256;
const MAX_ITEMS = 64;
const MAX_DEPTH = 6;
/** Of one entry as JSON. */
const MAX_BYTES = 16_384;

/** What goes into the log, whatever came: plain JSON, texts and lists cut, never more than some KiB. */
export function bounded(fields: Fields): Fields {
  const cut = cutObject(fields, MAX_DEPTH);
  const bytes = Buffer.byteLength(JSON.stringify(cut));
  if (bytes <= MAX_BYTES) return cut;
  const kept = Object.entries(cut).filter(([, part]) => typeof part !== 'object' || part === null);
  return { ...Object.fromEntries(kept), omittedBytes: bytes };
}

function cutObject(object: Fields, depth: number): Fields {
  const entries = Object.entries(object).filter(([, part]) => part !== undefined);
  const kept = entries.slice(0, MAX_ITEMS).map(([name, part]) => [cutText(name), cutPart(part, depth - 1)]);
  return entries.length <= MAX_ITEMS
    ? Object.fromEntries(kept)
    : { ...Object.fromEntries(kept), omitted: entries.length - MAX_ITEMS };
}

function cutPart(part: unknown, depth: number): unknown {
  if (typeof part === 'string') return cutText(part);
  if (typeof part === 'bigint') return String(part);
  if (typeof part !== 'object' || part === null) return part;
  if (depth === 0) return '…';
  if (!Array.isArray(part)) return cutObject(part as Fields, depth);
  const kept = part.slice(0, MAX_ITEMS).map((item: unknown) => cutPart(item, depth - 1));
  return part.length <= MAX_ITEMS ? kept : [...kept, `… ${part.length - MAX_ITEMS} more`];
}

function cutText(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).toWellFormed()}…`;
}
