import assert from 'node:assert/strict';
import { createShape } from '../../src/northbound/shapes/index.ts';
import { deviceOf } from '../support/device.ts';
import { mqttDialect } from './plant.ts';
import { CONTEXT, storedOf, TELEMETRY } from './shape-messages.ts';

const POINTS = {
  temperature: { type: 'int16', scale: 0.1, unit: 'degreeCelsius', range: { min: -40, max: 150 } },
  state: { type: 'uint16', labels: { 0: 'stopped', 1: 'running' }, as: 'property' },
  current: { type: 'float32', aggregate: { every: '10 s', functions: ['mean', 'count'] } },
  energy: { type: 'uint64' },
  level: {},
} as const;

function metadata() {
  const device = deviceOf({ model: 'dtmi:com:example:press;1', points: POINTS });
  const shape = createShape('opcua-pubsub-json', { ...CONTEXT, devices: [device] });
  return JSON.parse((shape.describe?.(device) ?? assert.fail()).payload);
}

describe('metadata of opcua-pubsub-json', () => {
  it('names the data set, its writer and its version', () => {
    const { MetaData, ...rest } = metadata();
    assert.deepEqual(rest, {
      MessageId: 'gw-01:press-07:metadata:820540800',
      MessageType: 'ua-metadata',
      PublisherId: 'gw-01',
      DataSetWriterId: 1,
      DataSetWriterName: 'press-07',
    });
    assert.equal(MetaData.Name, 'press-07');
    assert.deepEqual(MetaData.ConfigurationVersion, { MajorVersion: 820_540_800, MinorVersion: 820_540_800 });
  });

  it('tells what is sent, not what the device holds', () => {
    type Field = { Name: string; BuiltInType: number; DataType: string; ValueRank: number };
    const fields = (metadata().MetaData.Fields as Field[]).map((field) => [
      field.Name,
      field.BuiltInType,
      field.DataType,
      field.ValueRank,
    ]);
    assert.deepEqual(fields, [
      ['temperature', 11, 'i=11', -1],
      ['state', 12, 'i=12', -1],
      ['currentMean', 11, 'i=11', -1],
      ['currentCount', 7, 'i=7', -1],
      ['energy', 9, 'i=9', -1],
      ['level', 24, 'i=24', -2],
    ]);
  });

  it('tells unit and range', () => {
    assert.deepEqual(metadata().MetaData.Fields[0].Properties, [
      {
        Key: 'EngineeringUnits',
        Value: { UaType: 22, Value: { UaTypeId: 'i=887', NamespaceUri: '', UnitId: -1, DisplayName: { Text: 'degreeCelsius' } } },
      },
      { Key: 'EURange', Value: { UaType: 22, Value: { UaTypeId: 'i=884', Low: -40, High: 150 } } },
    ]);
  });

  it('gives a field an id that stays', () => {
    const ids = [metadata(), metadata()].map(({ MetaData }) =>
      MetaData.Fields.map((field: { DataSetFieldId: string }) => field.DataSetFieldId),
    );
    assert.deepEqual(ids[0], ids[1]);
    assert.equal(new Set(ids[0]).size, 6);
    for (const id of ids[0]) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('is of a new version where other points are there, and so is what is sent afterwards', () => {
    const [few, more] = [{ level: {} }, { level: {}, flow: {} }].map((points) => deviceOf({ points }));
    const shape = createShape('opcua-pubsub-json', { ...CONTEXT, devices: [few ?? assert.fail()] });
    const versionsOf = (device = few) => {
      const told = JSON.parse(shape.describe?.(device ?? assert.fail())?.payload ?? '');
      const [sent] = shape.encode(storedOf({ ...TELEMETRY, twin: 'press-07' }), 0);
      const [message] = JSON.parse(sent?.payload ?? '').Messages;
      assert.deepEqual(told.MetaData.ConfigurationVersion, message.MetaDataVersion);
      return message.MetaDataVersion.MajorVersion - 820_540_800;
    };
    assert.deepEqual([versionsOf(few), versionsOf(few), versionsOf(more), versionsOf(more), versionsOf(few)], [0, 0, 1, 1, 2]);
  });

  it('is retained at a topic of its own after each connect', () => {
    const { devices, packetOf } = mqttDialect({ shape: 'opcua-pubsub-json' }).descriptions ?? assert.fail();
    const described = devices.map((device) => packetOf(device) ?? assert.fail());
    assert.deepEqual(
      described.map(({ topic, retain, qos }) => [topic, retain, qos]),
      [
        ['gw-01/press-07/metadata', true, 1],
        ['gw-01/press-08/metadata', true, 1],
      ],
    );
  });
});
