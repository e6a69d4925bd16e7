import assert from 'node:assert/strict';
import { toLinkError } from '../../../connectors/opcua/protocol/errors.ts';

describe('OPC UA errors', () => {
  it('say what was too much where a server ignores how long a message may be', () => {
    // As node-opcua words it; asyncua is such a server.
    const error = new Error('premature socket termination max message size exceeded: 16777216 : total message size 16842495');
    const { code, message } = toLinkError(error, 'press', 'reading');
    assert.equal(code, 'LINK_PROTOCOL');
    assert.match(message, /^reading: the server sent more .* fewer large arrays at once$/);
  });
});
