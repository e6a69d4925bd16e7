import type { ExpandedNodeId, NodeId } from 'node-opcua-client';

const LETTERS = ['', 'i', 's', 'g', 'b'] as const;

/** The node id as a mapping writes it: with the URI of its namespace, which stays when the indices move. */
export function nodeText({ identifierType, value, namespace }: NodeId | ExpandedNodeId, namespaces: readonly string[]): string {
  const identifier = Buffer.isBuffer(value) ? value.toString('base64') : String(value);
  const text = `${LETTERS[identifierType]}=${identifier}`;
  if (namespace === 0) return text;
  const uri = namespaces[namespace];
  return uri === undefined ? `ns=${namespace};${text}` : `nsu=${uri.replaceAll('%', '%25').replaceAll(';', '%3B')};${text}`;
}
