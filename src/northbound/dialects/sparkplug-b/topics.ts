/** Sparkplug 3.0 §4.1: `spBv1.0/{group}/{verb}/{edge node}[/{device}]`. */
const NAMESPACE = 'spBv1.0';

export type NodeVerb = 'NBIRTH' | 'NDEATH' | 'NDATA' | 'NCMD';
export type DeviceVerb = 'DBIRTH' | 'DDEATH' | 'DDATA' | 'DCMD';

export interface Topics {
  node(verb: NodeVerb): string;
  device(verb: DeviceVerb, device: string): string;
}

export function topicsOf(group: string, edgeNode: string): Topics {
  return {
    node: (verb) => `${NAMESPACE}/${group}/${verb}/${edgeNode}`,
    device: (verb, device) => `${NAMESPACE}/${group}/${verb}/${edgeNode}/${device}`,
  };
}

/** Where a host application says whether it is there: as of 3.0, and as of 2.2. */
export function stateTopics(host: string): { readonly json: string; readonly text: string } {
  return { json: `${NAMESPACE}/STATE/${host}`, text: `STATE/${host}` };
}
