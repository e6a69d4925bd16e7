import assert from 'node:assert/strict';
import type { ServerFacts } from '../../../connectors/opcua/protocol/requests.ts';
import { runOf } from '../../../connectors/opcua/values/type-descriptions.ts';

const FACTS: ServerFacts = {
  namespaces: ['http://opcfoundation.org/UA/', 'urn:acme:press'],
  startedMs: 1,
  limits: {
    nodesPerRead: 1,
    itemsPerCall: 1,
    nodesPerBrowse: 1,
    nodesPerTranslate: 1,
    nodesPerRegister: 1,
    nodesPerHistoryRead: 1,
  },
  itemsPerSubscription: 1,
};
const URL = 'opc.tcp://10.20.0.17:4840';

describe('one run of an OPC UA server', () => {
  it('ends with a new start, other namespaces or another server', () => {
    const shifted = { ...FACTS, namespaces: FACTS.namespaces.toReversed() };
    const runs = [runOf(URL, FACTS), runOf(URL, { ...FACTS, startedMs: 2 }), runOf(URL, shifted), runOf(`${URL}1`, FACTS)];
    assert.equal(new Set(runs).size, 4);
    assert.equal(runOf(URL, { ...FACTS }), runs[0]);
  });

  it('is not told from another where the server does not say when it was started', () => {
    assert.equal(runOf(URL, { ...FACTS, startedMs: 0 }), undefined);
  });
});
