import assert from 'node:assert/strict';
import { methodSchema } from '../../../connectors/opcua/mapping/features.ts';
import type { Value } from '../../../src/model/value.ts';
import type { ConnectorSession, MethodResult } from '../../../src/southbound/connector.ts';
import { addMachine, MACHINE, PART } from '../../support/opcua-machine.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, FAST, makePlan, OPEN } from './support.ts';

const NO_STOP = new AbortController().signal;
const nodeOf = (name: string) => `nsu=${MACHINE};s=${name}`;

describe('OPC UA methods', () => {
  let server: TestServer;
  let session: ConnectorSession;
  const bench = new Bench();

  before(async () => {
    server = await startOpcuaServer();
    await addMachine(server.server);
    await bench.begin();
    session = await bench.open(bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST }, { press: {} })));
  });
  after(async () => {
    await bench.end();
    await server.stop();
  });

  async function call(name: string, given: readonly Value[], keys: object = {}): Promise<MethodResult | undefined> {
    const settings = methodSchema.parse({ object: nodeOf('Machine'), method: nodeOf(name), ...keys });
    const method = { name: 'called', settings, arguments: [] };
    return session.call?.({ device: 'press', method, arguments: given }, NO_STOP);
  }

  function refusal(result: MethodResult | undefined): unknown {
    return result?.called === false ? [result.error.code, result.error.message] : result;
  }

  it('calls in the types that the server declares, and gives its outputs by name', async () => {
    const outputs = { Job: 9_007_199_254_740_999n, Accepted: true };
    assert.deepEqual(await call('Start', [7, 'A-17', [0.5, 1]]), { called: true, outputs });
  });

  it('gives and takes structures by the names of their fields', async () => {
    const bolt = { ...PART, Serial: '9007199254740993' };
    const nut = { ...bolt, Name: 'nut', Mode: 2, Weights: [] };
    const held = { ...nut, Serial: 9_007_199_254_740_993n };
    assert.deepEqual(await call('Load', [bolt, [bolt, nut]]), { called: true, outputs: { Last: held } });
    assert.deepEqual(await call('Load', [nut, []]), { called: true, outputs: { Last: held } });
  });

  const REFUSED: readonly (readonly [what: string, name: string, given: readonly Value[], code: string, text: RegExp])[] = [
    ['too few arguments', 'Start', [7], 'VALUE_TYPE', /takes 3 arguments \(Program, Batch, Limits\)/],
    ['a text for a number', 'Start', ['x', 'A', [1]], 'VALUE_TYPE', /UInt16/],
    ['what does not fit', 'Start', [70_000, 'A', [1]], 'VALUE_OUT_OF_RANGE', /70000/],
    ['a single value for a list', 'Start', [7, 'A', 1], 'VALUE_TYPE', /a list/],
    [
      'a structure without all its fields',
      'Load',
      [{ Name: 'bolt' }, []],
      'VALUE_TYPE',
      /Load\.Part|field Serial of PartData is missing/,
    ],
    ['a text for a structure', 'Load', ['bolt', []], 'VALUE_TYPE', /an object with the fields of PartData was expected/],
    ['what the device refuses now', 'Start', [99, 'A', [1]], 'DEVICE_EXCEPTION', /BadInvalidState: the device is not in a state/],
    ['what the user may not', 'Stop', [], 'DEVICE_EXCEPTION', /BadUserAccessDenied/],
    ['a method that is not there', 'Dance', [], 'DEVICE_EXCEPTION', /Bad(NodeId|Method)/],
  ];
  for (const [what, name, given, code, text] of REFUSED) {
    it(`says why it does not call: ${what}`, async () => {
      const [got, message] = refusal(await call(name, given)) as [string, string];
      assert.equal(got, code);
      assert.match(message, text);
    });
  }

  it('says which namespace is not there', async () => {
    const result = await call('Start', [], { method: 'nsu=urn:nobody;s=Start' });
    assert.match(String(refusal(result)), /BadNodeIdUnknown/);
  });
});
