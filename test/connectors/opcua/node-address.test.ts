import assert from 'node:assert/strict';
import { parseNodeAddress } from '../../../connectors/opcua/mapping/node-address.ts';

describe('OPC UA node address', () => {
  const GOOD: readonly (readonly [string, unknown, unknown])[] = [
    ['nsu=urn:acme:press;s=Line1.Speed', 'urn:acme:press', { kind: 'string', value: 'Line1.Speed' }],
    ['nsu=http://acme.example/UA/;i=1001', 'http://acme.example/UA/', { kind: 'numeric', value: 1001 }],
    ['ns=2;s=a', 2, { kind: 'string', value: 'a' }],
    ['i=2258', 0, { kind: 'numeric', value: 2258 }],
    ['nsu=urn:x;s=a;b', 'urn:x', { kind: 'string', value: 'a;b' }],
    ['nsu=urn:foo;s=ns=3;s=bar', 'urn:foo', { kind: 'string', value: 'ns=3;s=bar' }],
    ['nsu=urn:a%3Bb%25c;s=x', 'urn:a;b%c', { kind: 'string', value: 'x' }],
    ['nsu=urn:a%253B;s=x', 'urn:a%3B', { kind: 'string', value: 'x' }],
    ['nsu=urn:a%20b;s=x', 'urn:a%20b', { kind: 'string', value: 'x' }],
    ['ns=1;g=72962b91-fa75-4ae6-8d28-b404dc7daf63', 1, { kind: 'guid', value: '72962B91-FA75-4AE6-8D28-B404DC7DAF63' }],
    ['ns=1;b=AAH/', 1, { kind: 'opaque', value: 'AAH/' }],
    ['ns=1;s=with spaces, "quotes" and = signs', 1, { kind: 'string', value: 'with spaces, "quotes" and = signs' }],
  ];
  for (const [text, namespace, identifier] of GOOD) {
    it(`reads ${text}`, () => assert.deepEqual(parseNodeAddress(text), { text, namespace, identifier }));
  }

  const BAD = [
    '',
    'Speed',
    's=',
    'i=-1',
    'i=4294967296',
    'i=1.5',
    'ns=65536;i=1',
    'ns=x;i=1',
    'nsu=;s=a',
    'nsu=urn:x',
    'g=not-a-guid',
    'b=*',
    'b=A',
    'x=1',
    ' ns=1;s=a',
    `s=${'x'.repeat(4_097)}`,
  ];
  for (const text of BAD)
    it(`refuses ${JSON.stringify(text.slice(0, 30))}`, () => assert.equal(parseNodeAddress(text), undefined));
});
