type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonMap = { readonly [key: string]: Json };

const MAX_BYTES = 32 * 1_024;

/** What the hub keeps of one device: two documents with a version each. */
export class DeviceTwin {
  desired: JsonMap = {};
  reported: JsonMap = {};
  desiredVersion = 1;
  reportedVersion = 1;

  get document(): JsonMap {
    return {
      desired: { ...this.desired, $version: this.desiredVersion },
      reported: { ...this.reported, $version: this.reportedVersion },
    };
  }

  /** The body of the notification; throws what the service would answer. */
  updateDesired(patch: JsonMap): JsonMap {
    const merged = merge(this.desired, patch);
    const fault = faultOf(patch, merged);
    if (fault !== undefined) throw new Error(fault);
    this.desired = merged;
    this.desiredVersion += 1;
    return { ...patch, $version: this.desiredVersion };
  }

  /** What is wrong with it; `undefined` where it was taken. */
  patchReported(text: string): string | undefined {
    const patch = parse(text);
    if (patch === undefined) return 'not a JSON object';
    const merged = merge(this.reported, patch);
    const fault = faultOf(patch, merged);
    if (fault !== undefined) return fault;
    this.reported = merged;
    this.reportedVersion += 1;
    return undefined;
  }
}

function parse(text: string): JsonMap | undefined {
  try {
    const parsed = JSON.parse(text) as Json;
    return isMap(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(target: JsonMap, patch: JsonMap): JsonMap {
  const merged: Record<string, Json> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const before = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isMap(value) ? merge(isMap(before) ? before : {}, value) : value;
  }
  return merged;
}

function faultOf(patch: JsonMap, merged: JsonMap): string | undefined {
  const bytes = sizeOf(merged);
  if (bytes > MAX_BYTES) return `the document would have ${bytes} bytes`;
  return mapFault(patch, 1);
}

function mapFault(map: JsonMap, depth: number): string | undefined {
  if (depth > 11) return 'deeper than 10 levels';
  for (const [key, value] of Object.entries(map)) {
    if (key === '' || Buffer.byteLength(key) > 1_024 || /[.$ \p{Cc}]/u.test(key)) return `key ${JSON.stringify(key)}`;
    const fault = valueFault(value, depth);
    if (fault !== undefined) return `${key}: ${fault}`;
  }
  return undefined;
}

function valueFault(value: Json, depth: number): string | undefined {
  if (typeof value === 'string' && Buffer.byteLength(value) > 4_096) return 'a text of more than 4 KB';
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) > 4_503_599_627_370_495)
    return 'an integer too large';
  if (isMap(value)) return mapFault(value, depth + 1);
  if (!Array.isArray(value)) return undefined;
  return value.map((part) => valueFault(part, depth + 1)).find((fault) => fault !== undefined);
}

function sizeOf(value: Json): number {
  if (isMap(value)) return Object.entries(value).reduce((sum, [key, part]) => sum + Buffer.byteLength(key) + sizeOf(part), 0);
  if (Array.isArray(value)) return value.reduce<number>((sum, part: Json) => sum + sizeOf(part), 0);
  if (typeof value === 'string') return Buffer.byteLength(value);
  return typeof value === 'number' ? 8 : value === null ? 0 : 4;
}
