import { decodeBag, encodeBag, type PropertyBag } from './property-bag.ts';

export const METHODS = '$iothub/methods/POST/#';
export const TWIN_ANSWERS = '$iothub/twin/res/#';
export const DESIRED = '$iothub/twin/PATCH/properties/desired/#';

export const GET_TWIN = '$iothub/twin/GET/';
export const PATCH_REPORTED = '$iothub/twin/PATCH/properties/reported/';

export function deviceBound(deviceId: string): string {
  return `devices/${deviceId}/messages/devicebound/#`;
}

export function telemetryTopic(deviceId: string, bag: PropertyBag): string {
  return `devices/${deviceId}/messages/events/${encodeBag(bag)}`;
}

export function methodAnswer(status: number, requestId: string): string {
  return `$iothub/methods/res/${status}/?$rid=${requestId}`;
}

/** What comes from the hub, by its topic. */
export type Incoming =
  | { readonly kind: 'twin-answer'; readonly status: number; readonly requestId: string; readonly version?: number }
  | { readonly kind: 'desired' }
  | { readonly kind: 'method'; readonly method: string; readonly requestId: string }
  | { readonly kind: 'message'; readonly bag: PropertyBag };

const TWIN_ANSWER = /^\$iothub\/twin\/res\/(\d{3})\/\?(.*)$/;
const DESIRED_PATCH = /^\$iothub\/twin\/PATCH\/properties\/desired\/(\?.*)?$/;
const METHOD = /^\$iothub\/methods\/POST\/([^/]+)\/\?(.*)$/;

/** `undefined`: nothing we know. */
export function incoming(topic: string, deviceId: string): Incoming | undefined {
  const prefix = `devices/${deviceId}/messages/devicebound/`;
  if (topic.startsWith(prefix)) {
    const bag = decodeBag(topic.slice(prefix.length));
    return bag && { kind: 'message', bag };
  }
  if (DESIRED_PATCH.test(topic)) return { kind: 'desired' };
  return twinAnswer(topic) ?? methodRequest(topic);
}

function twinAnswer(topic: string): Incoming | undefined {
  const [, status, query = ''] = TWIN_ANSWER.exec(topic) ?? [];
  const { $rid: requestId, $version: version } = decodeBag(query) ?? {};
  if (status === undefined || typeof requestId !== 'string') return undefined;
  return { kind: 'twin-answer', status: Number(status), requestId, ...(version == null ? {} : { version: Number(version) }) };
}

function methodRequest(topic: string): Incoming | undefined {
  const [, method, query = ''] = METHOD.exec(topic) ?? [];
  // Echoed as it came.
  const [, requestId] = /(?:^|&)(?:\$|%24)rid=([^&]+)/.exec(query) ?? [];
  return method === undefined || requestId === undefined ? undefined : { kind: 'method', method: decoded(method), requestId };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
