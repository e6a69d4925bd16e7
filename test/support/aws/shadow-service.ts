type Json = Record<string, unknown>;

export interface Told {
  readonly topic: string;
  readonly body: Json;
}

interface Document {
  version: number;
  desired: Json;
  reported: Json;
  /** Seconds of the last change, in the form of the state. */
  readonly metadata: { desired: Json; reported: Json };
}

const MAX_DOCUMENT_BYTES = 8 * 1_024;
const MAX_DEPTH = 6;

/** Device Shadow service: documents with versions, merged, and the difference between what is desired and what is reported. */
export class ShadowService {
  readonly #documents = new Map<string, Document>();
  /** Answered in place of the next updates. */
  readonly failures: number[] = [];
  /** Every accepted report: what the cloud knew at which time. */
  readonly reports: { readonly shadow: string; readonly reported: Json; readonly document: Json }[] = [];
  nowS: () => number = () => Math.floor(Date.now() / 1_000);

  document(thing: string, name: string): { version: number; desired: Json; reported: Json } | undefined {
    return this.#documents.get(`${thing} ${name}`);
  }

  remove(thing: string, name: string): void {
    this.#documents.delete(`${thing} ${name}`);
  }

  /** What is published for a request; also for an update that somebody else makes. */
  handle(thing: string, name: string, verb: string, payload: Buffer): readonly Told[] {
    const prefix = `$aws/things/${thing}/shadow/name/${name}`;
    const rejected = (code: number, message: string, clientToken?: unknown): readonly Told[] => [
      {
        topic: `${prefix}/${verb}/rejected`,
        body: { code, message, timestamp: this.nowS(), ...(clientToken === undefined ? {} : { clientToken }) },
      },
    ];
    let body: Json;
    try {
      body = payload.length === 0 ? {} : JSON.parse(payload.toString());
    } catch {
      return rejected(400, 'Payload contains invalid json');
    }
    const { clientToken } = body;
    if (typeof clientToken === 'string' && Buffer.byteLength(clientToken) > 64) return rejected(400, 'Invalid clientToken');
    const failure = verb === 'update' ? this.failures.shift() : undefined;
    if (failure !== undefined) return rejected(failure, 'as the test wants it', clientToken);
    const told = clientToken === undefined ? {} : { clientToken };
    if (verb === 'get') {
      const document = this.#documents.get(`${thing} ${name}`);
      if (document === undefined) return rejected(404, `No shadow exists with name: '${thing}'`, clientToken);
      return [{ topic: `${prefix}/get/accepted`, body: { ...this.#show(document), ...told } }];
    }
    if (verb !== 'update') return rejected(400, `unknown request ${verb}`, clientToken);
    return this.#update(`${thing} ${name}`, prefix, body, told, rejected);
  }

  #update(
    key: string,
    prefix: string,
    body: Json,
    told: Json,
    rejected: (code: number, message: string, clientToken?: unknown) => readonly Told[],
  ): readonly Told[] {
    const { state, version, clientToken } = body;
    if (!isMap(state)) return rejected(400, 'Missing required node: state', clientToken);
    const unknown = Object.keys(state).find((part) => part !== 'desired' && part !== 'reported');
    if (unknown !== undefined) return rejected(400, `State contains an invalid node: '${unknown}'`, clientToken);
    if (depthOf(state) > MAX_DEPTH + 1) return rejected(400, 'JSON contains too many levels of nesting', clientToken);
    const before = this.#documents.get(key) ?? { version: 0, desired: {}, reported: {}, metadata: { desired: {}, reported: {} } };
    if (version !== undefined && version !== before.version) return rejected(409, 'Version conflict', clientToken);
    const timestamp = this.nowS();
    const after: Document = {
      version: before.version + 1,
      desired: merge(before.desired, state.desired),
      reported: merge(before.reported, state.reported),
      metadata: {
        desired: stamp(before.metadata.desired, state.desired, timestamp),
        reported: stamp(before.metadata.reported, state.reported, timestamp),
      },
    };
    const bytes = Buffer.byteLength(JSON.stringify({ desired: after.desired, reported: after.reported }));
    if (bytes > MAX_DOCUMENT_BYTES) return rejected(413, 'The payload exceeds the maximum size allowed', clientToken);
    this.#documents.set(key, after);
    if (isMap(state.reported))
      this.reports.push({ shadow: key, reported: state.reported, document: structuredClone(after.reported) });
    const delta = difference(after.desired, after.reported);
    return [
      { topic: `${prefix}/update/accepted`, body: { state, version: after.version, timestamp, ...told } },
      ...(Object.keys(delta).length === 0
        ? []
        : [
            {
              topic: `${prefix}/update/delta`,
              body: {
                version: after.version,
                timestamp,
                state: delta,
                metadata: pickLike(after.metadata.desired, delta),
                ...told,
              },
            },
          ]),
    ];
  }

  #show({ version, desired, reported, metadata }: Document): Json {
    const delta = difference(desired, reported);
    return {
      state: { desired, reported, ...(Object.keys(delta).length === 0 ? {} : { delta }) },
      metadata,
      version,
      timestamp: this.nowS(),
    };
  }
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** `null` takes a key out; maps are merged, everything else is replaced. */
function merge(before: Json, patch: unknown): Json {
  if (patch === null) return {};
  if (!isMap(patch)) return before;
  const after = { ...before };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete after[key];
    else after[key] = isMap(value) ? merge(isMap(after[key]) ? after[key] : {}, value) : value;
  }
  return after;
}

function stamp(before: Json, patch: unknown, timestamp: number): Json {
  if (!isMap(patch)) return before;
  const after = { ...before };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete after[key];
    else if (isMap(value)) after[key] = stamp(isMap(after[key]) ? after[key] : {}, value, timestamp);
    else if (Array.isArray(value)) after[key] = value.map(() => ({ timestamp }));
    else after[key] = { timestamp };
  }
  return after;
}

/** What is desired and not reported so, key by key. */
function difference(desired: Json, reported: Json): Json {
  const delta: Json = {};
  for (const [key, value] of Object.entries(desired)) {
    const told = reported[key];
    if (isMap(value)) {
      const inner = difference(value, isMap(told) ? told : {});
      if (Object.keys(inner).length > 0) delta[key] = inner;
    } else if (JSON.stringify(value) !== JSON.stringify(told)) delta[key] = value;
  }
  return delta;
}

function pickLike(metadata: Json, delta: Json): Json {
  return Object.fromEntries(
    Object.entries(delta).map(([key, value]) => [
      key,
      isMap(value) && isMap(metadata[key]) ? pickLike(metadata[key], value) : metadata[key],
    ]),
  );
}
