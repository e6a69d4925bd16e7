/**
 * A node address as the mapping writes it: `nsu=<namespace URI>;s=Line1.Speed`, `ns=2;i=1001`, `i=2258`. OPC UA Part 6 §5.3.1.10
 * and §5.3.1.11: in the URI `;` is written `%3B` and `%` is written `%25`; the identifier is taken as it stands.
 */
export interface NodeAddress {
  readonly text: string;
  /** A URI, or an index that is only good until the server is changed; index 0 is the standard's own namespace. */
  readonly namespace: string | number;
  readonly identifier: NodeIdentifier;
}

export type NodeIdentifier =
  | { readonly kind: 'numeric'; readonly value: number }
  | { readonly kind: 'string' | 'guid' | 'opaque'; readonly value: string };

const ADDRESS = /^(?:nsu=([^;]+);|ns=(\d{1,5});)?([isgb])=(.*)$/s;
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAX_UINT16 = 0xffff;
const MAX_UINT32 = 0xffff_ffff;
/** OPC UA Part 3 §8.2.4. */
const MAX_IDENTIFIER_LENGTH = 4_096;

/** `undefined` where the text is no node address. */
export function parseNodeAddress(text: string): NodeAddress | undefined {
  const [, uri, index, letter, rest] = ADDRESS.exec(text) ?? [];
  if (letter === undefined || rest === undefined) return undefined;
  const identifier = parseIdentifier(letter, rest);
  const namespace = uri === undefined ? Number(index ?? 0) : unescapeUri(uri);
  if (identifier === undefined || namespace === undefined) return undefined;
  if (typeof namespace === 'number' && namespace > MAX_UINT16) return undefined;
  return { text, namespace, identifier };
}

/** What is told of a text that is no node address. */
export function expectedAddress(text: unknown): string {
  const meant = typeof text === 'string' ? likelyAddress(text) : undefined;
  return `a node id with its namespace URI, ${meant === undefined ? 'e.g. `nsu=urn:acme:press;s=Line1.Speed`' : `perhaps \`${meant}\``}`;
}

/** What was meant by a text that is no node address: capital letters, blanks, a comma for the semicolon. */
function likelyAddress(text: string): string | undefined {
  const [, namespace = '', value = '', letter = '', rest = ''] =
    /^\s*(?:(ns|nsu)\s*=\s*([^;,]*?)\s*[;,]\s*)?([isgb])\s*=\s*(.*)$/is.exec(text) ?? [];
  const prefix = namespace === '' ? '' : `${namespace.toLowerCase()}=${value};`;
  const meant = `${prefix}${letter.toLowerCase()}=${rest}`;
  return letter === '' || parseNodeAddress(meant) === undefined ? undefined : meant;
}

function parseIdentifier(letter: string, text: string): NodeIdentifier | undefined {
  if (text === '' || text.length > MAX_IDENTIFIER_LENGTH) return undefined;
  switch (letter) {
    case 'i':
      return /^\d{1,10}$/.test(text) && Number(text) <= MAX_UINT32 ? { kind: 'numeric', value: Number(text) } : undefined;
    case 'g':
      return GUID.test(text) ? { kind: 'guid', value: text.toUpperCase() } : undefined;
    case 'b':
      return BASE64.test(text) ? { kind: 'opaque', value: text } : undefined;
    default:
      return { kind: 'string', value: text };
  }
}

function unescapeUri(text: string): string | undefined {
  if (/%(?!3B|25)/i.test(text)) return text;
  return text.replace(/%(3B|25)/gi, (escaped) => (escaped === '%25' ? '%' : ';'));
}
