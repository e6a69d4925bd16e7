import assert from 'node:assert/strict';
import { DataType, DataValue, StatusCodes, type UAVariable, VariantArrayType, WriteRequest } from 'node-opcua';
import type { Value } from '../../../src/model/value.ts';
import type { ConnectorSession, WriteResult } from '../../../src/southbound/connector.ts';
import { addMachine, MACHINE, type Machine, PART } from '../../support/opcua-machine.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, FAST, makePlan, OPEN, type PointKeys, planPoint } from './support.ts';

const NO_STOP = new AbortController().signal;
const PART_VALUE = { ...PART, Serial: 9_007_199_254_740_993n };

describe('writing OPC UA arrays, structures and enumerations', () => {
  let server: TestServer;
  let machine: Machine;
  let late: UAVariable;
  const bench = new Bench();

  let session: ConnectorSession;
  const points = new Map<string, PointKeys>();

  before(async () => {
    server = await startOpcuaServer();
    machine = await addMachine(server.server);
    const space = server.server.engine.addressSpace;
    assert.ok(space);
    const common = { componentOf: machine.variable('Part').parent ?? undefined, browseName: 'Late', nodeId: 's=Late' };
    late = space.getNamespace(MACHINE).addVariable({ ...common, dataType: 'BaseDataType' } as never);
    const measure = space
      .getNamespace(MACHINE)
      .createDataType({ browseName: 'Measure', nodeId: 'i=6', subtypeOf: 'Double', isAbstract: false } as never);
    space
      .getNamespace(MACHINE)
      .addVariable({ ...common, browseName: 'Measured', nodeId: 's=Measured', dataType: measure.nodeId } as never);
    await bench.begin();
    session = await bench.open(
      bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST }, { press: Object.fromEntries(points) })),
    );
  });
  after(async () => {
    await bench.end();
    await server.stop();
  });
  afterEach(() => {
    machine.set('Doubles', { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1, 2, 3] });
    machine.set('Part', machine.part(PART));
  });

  /** Names a point for the one session of all tests. */
  function declare(node: string, keys: PointKeys): string {
    const name = `${node} ${JSON.stringify(keys)}`;
    points.set(name, { address: `nsu=${MACHINE};s=${node}`, access: 'read-write', ...keys });
    return name;
  }

  const pointOf = (name: string) => planPoint('press', name, points.get(name) ?? {}).point;

  /** Writes, and gives the answer and the whole value of the node as it is then. */
  async function write(name: string, whole: string, value: Value): Promise<readonly [WriteResult | undefined, unknown]> {
    const [result] = await session.write([{ point: pointOf(name), value }], NO_STOP);
    const [reading] = await session.read([pointOf(whole)], NO_STOP);
    return [result, reading?.value];
  }

  const WRITTEN: readonly (readonly [what: string, node: string, keys: PointKeys, value: Value, becomes: Value])[] = [
    ['a whole array', 'Doubles', {}, [7, 8], [7, 8]],
    ['one element', 'Doubles', { path: '[1]' }, 9, [1, 9, 3]],
    ['a range', 'Doubles', { indexRange: '0:1' }, [5, 6], [5, 6, 3]],
    ['64-bit integers', 'Longs', {}, [9_007_199_254_740_995n, -2n], [9_007_199_254_740_995n, -2n]],
    [
      'a matrix',
      'Matrix',
      {},
      [
        [6, 5, 4],
        [3, 2, 1],
      ],
      [
        [6, 5, 4],
        [3, 2, 1],
      ],
    ],
    ['an enumeration by its text', 'Mode', { enumeration: 'text' }, 'Fault', 2],
    ['an enumeration by its number', 'Step', {}, 10, 10],
    ['a whole structure', 'Part', {}, { ...PART_VALUE, Name: 'nut', Mode: 2 }, { ...PART_VALUE, Name: 'nut', Mode: 2 }],
    ['a field', 'Part', { path: 'Position.X', readModifyWrite: true }, 9, { ...PART_VALUE, Position: { X: 9, Y: -2 } }],
    [
      'a 64-bit field',
      'Part',
      { path: 'Serial', readModifyWrite: true },
      2n ** 60n + 1n,
      { ...PART_VALUE, Serial: 2n ** 60n + 1n },
    ],
    ['an element of a field', 'Part', { path: 'Weights[1]', readModifyWrite: true }, 0.5, { ...PART_VALUE, Weights: [0.1, 0.5] }],
    [
      'an enumeration in a structure',
      'Part',
      { path: 'Mode', enumeration: 'text', readModifyWrite: true },
      'Stopped',
      { ...PART_VALUE, Mode: 0 },
    ],
  ];
  for (const [what, node, keys, value, becomes] of WRITTEN) {
    const [name, whole] = [declare(node, keys), declare(node, {})];
    it(`writes ${what}`, async () => assert.deepEqual(await write(name, whole, value), [{ written: true }, becomes]));
  }

  const REFUSED: readonly (readonly [what: string, node: string, keys: PointKeys, value: Value, code: string])[] = [
    ['a single value to an array', 'Doubles', {}, 1, 'VALUE_TYPE'],
    ['an array to a single value', 'Mode', {}, [1], 'VALUE_TYPE'],
    ['a text in an array of numbers', 'Doubles', {}, [1, 'x'], 'VALUE_TYPE'],
    ['rows of several lengths', 'Matrix', {}, [[1, 2, 3], [4]], 'VALUE_TYPE'],
    ['a row by its path', 'Matrix', { path: '[0]' }, 1, 'VALUE_TYPE'],
    ['what does not fit', 'Matrix', { path: '[0,0]' }, 40_000, 'VALUE_OUT_OF_RANGE'],
    ['an unknown text of an enumeration', 'Mode', { enumeration: 'text' }, 'Dancing', 'VALUE_OUT_OF_RANGE'],
    ['a structure with a field missing', 'Part', {}, { Name: 'nut' }, 'VALUE_TYPE'],
    ['a structure with an unknown field', 'Part', {}, { ...PART_VALUE, Colour: 'red' }, 'VALUE_TYPE'],
    ['a field without leave', 'Part', { path: 'Position.X' }, 9, 'VALUE_TYPE'],
    ['a field that is not there', 'Part', { path: 'Position.Z', readModifyWrite: true }, 9, 'VALUE_TYPE'],
  ];
  for (const [what, node, keys, value, code] of REFUSED) {
    const [name, whole] = [declare(node, keys), declare(node, {})];
    it(`does not write ${what}`, async () => {
      const before = machine.variable(node).readValue().value.toString();
      const [result] = await write(name, whole, value);
      assert.equal(result?.written === false && result.error.code, code);
      assert.equal(machine.variable(node).readValue().value.toString(), before);
    });
  }

  const lateName = declare('Late', {});
  it('looks again at a node that had no value', async () => {
    const [refused] = await session.write([{ point: pointOf(lateName), value: 7 }], NO_STOP);
    assert.equal(refused?.written === false && refused.error.code, 'VALUE_TYPE');
    late.setValueFromSource({ dataType: DataType.Double, value: 1 });
    assert.deepEqual(await write(lateName, lateName, 7), [{ written: true }, 7]);
  });

  const measured = declare('Measured', {});
  it('knows a type of the vendor from the built-in one that has its number', async () => {
    assert.deepEqual(await write(measured, measured, 1.5), [{ written: true }, 1.5]);
  });

  describe('with status and time', () => {
    const name = declare('Stamped', { stampWrites: true });
    const requested: (Date | null | undefined)[] = [];
    let isPicky = false;
    before(() => {
      server.server.on('request', (request: unknown) => {
        if (request instanceof WriteRequest) requested.push(request.nodesToWrite?.[0]?.value.sourceTimestamp);
      });
      const bound = {
        timestamped_get: () => new DataValue({ value: { dataType: DataType.Double, value: 0 } }),
        timestamped_set: async (_dataValue: DataValue) =>
          isPicky && requested.at(-1) instanceof Date ? StatusCodes.BadWriteNotSupported : StatusCodes.Good,
      };
      machine.variable('Stamped').bindVariable(bound as never, true);
    });
    beforeEach(() => requested.splice(0));

    it('sends them where the server takes them', async () => {
      assert.deepEqual(await session.write([{ point: pointOf(name), value: 4 }], NO_STOP), [{ written: true }]);
      assert.equal(requested.length, 1);
      assert.ok(Math.abs(Number(requested[0]) - Date.now()) < 60_000);
    });

    it('sends the plain value where the server refuses them', async () => {
      isPicky = true;
      assert.deepEqual(await session.write([{ point: pointOf(name), value: 4 }], NO_STOP), [{ written: true }]);
      assert.deepEqual([requested.length, requested[1]], [2, null]);
    });
  });
});
