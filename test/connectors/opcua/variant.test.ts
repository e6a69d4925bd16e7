import assert from 'node:assert/strict';
import { DataType, Variant } from 'node-opcua-client';
import { toValue } from '../../../connectors/opcua/values/value.ts';
import { toVariant } from '../../../connectors/opcua/values/variant.ts';
import type { GatewayError } from '../../../src/model/error.ts';
import type { Value } from '../../../src/model/value.ts';

const there = (value: Value, dataType: DataType) => toValue(new Variant(toVariant(value, dataType, 'press/x')));

describe('OPC UA values', () => {
  const ROUND_TRIPS: readonly (readonly [DataType, Value])[] = [
    [DataType.Boolean, true],
    [DataType.SByte, -128],
    [DataType.Byte, 255],
    [DataType.Int16, -32_768],
    [DataType.UInt16, 65_535],
    [DataType.Int32, -2_147_483_648],
    [DataType.UInt32, 4_294_967_295],
    [DataType.Int64, -(2n ** 63n)],
    [DataType.Int64, 2n ** 63n - 1n],
    [DataType.Int64, -1n],
    [DataType.Int64, 9_007_199_254_740_993n],
    [DataType.UInt64, 2n ** 64n - 1n],
    [DataType.UInt64, 0n],
    [DataType.Double, 0.1],
    [DataType.Double, Number.NaN],
    [DataType.Float, Number.POSITIVE_INFINITY],
    [DataType.String, ''],
    [DataType.DateTime, '2026-01-01T00:00:00.123Z'],
    [DataType.DateTime, '1601-01-01T00:00:00.000Z'],
    [DataType.ByteString, 'AAH/'],
    [DataType.Guid, '72962B91-FA75-4AE6-8D28-B404DC7DAF63'],
    [DataType.LocalizedText, 'Öl'],
    [DataType.QualifiedName, '1:Oil'],
    [DataType.NodeId, 'ns=1;s=Oil'],
    [DataType.StatusCode, 'BadDeviceFailure'],
  ];
  for (const [dataType, value] of ROUND_TRIPS) {
    it(`keeps ${DataType[dataType]} ${value} both ways`, () => assert.deepEqual(there(value, dataType), value));
  }

  it('shows a Float as it was written', () => {
    assert.equal(toValue(new Variant({ dataType: DataType.Float, value: Math.fround(0.1) })), 0.1);
  });

  const REFUSED: readonly (readonly [DataType, Value, string])[] = [
    [DataType.Byte, 256, 'VALUE_OUT_OF_RANGE'],
    [DataType.Byte, -1, 'VALUE_OUT_OF_RANGE'],
    [DataType.Int64, 2n ** 63n, 'VALUE_OUT_OF_RANGE'],
    [DataType.UInt64, -1n, 'VALUE_OUT_OF_RANGE'],
    [DataType.Int16, 1.5, 'VALUE_TYPE'],
    [DataType.Int16, '1', 'VALUE_TYPE'],
    [DataType.Boolean, 1, 'VALUE_TYPE'],
    [DataType.Double, '1', 'VALUE_TYPE'],
    [DataType.String, 1, 'VALUE_TYPE'],
    [DataType.DateTime, 'yesterday', 'VALUE_TYPE'],
    [DataType.ByteString, '***', 'VALUE_TYPE'],
    [DataType.Guid, 'x', 'VALUE_TYPE'],
    [DataType.StatusCode, 'BadIdea', 'VALUE_TYPE'],
    [DataType.ExtensionObject, 'x', 'VALUE_TYPE'],
  ];
  for (const [dataType, value, code] of REFUSED) {
    it(`does not write ${typeof value} ${value} to ${DataType[dataType]}`, () => {
      assert.throws(
        () => toVariant(value, dataType, 'press/x'),
        (error: GatewayError) => error.code === code && error.subject === 'press/x',
      );
    });
  }
});
