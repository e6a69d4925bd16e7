import assert from 'node:assert/strict';
import { browseTool } from '../../../connectors/opcua/finding/browse-tool.ts';
import { connectionSchema } from '../../../connectors/opcua/mapping/settings.ts';
import type { BrowsedNode } from '../../../src/southbound/browse-tool.ts';

const variable = (name: string, type: string, rank = -1): BrowsedNode => {
  const common = { depth: 0, name, path: [name], address: `nsu=urn:press;s=${name}` };
  return { ...common, kind: 'variable', type, rank, access: 'read-write', value: null };
};

describe('a mapping drafted of an OPC UA server', () => {
  it('proposes limits for numbers only, and connects the way that was browsed', () => {
    const reverseConnect = { listen: '127.0.0.1:4841', serverUri: 'urn:press-07:acme:press' };
    const settings = connectionSchema.parse({ url: 'opc.tcp://press-07:4840', reverseConnect });
    const connection = { name: 'press', protocol: 'opcua', endpoint: '', settings, devices: [] };
    const nodes = [
      variable('Speed', 'Double'),
      variable('Tool', 'ToolData'),
      variable('Name', 'String'),
      variable('List', 'Int16', 1),
    ];
    const text = browseTool.draftMapping({ connection, twin: 'press-07', nodes });
    assert.match(text, /^ {2}reverseConnect: \{ listen: "127\.0\.0\.1:4841", serverUri: urn:press-07:acme:press \}$/m);
    const rules = [...text.matchAll(/# write: (.*)$/gm)].map(([, rule]) => rule);
    assert.deepEqual(rules, ['{ min: …, max: … }', '{}', '{}', '{ min: …, max: … }']);
  });
});
