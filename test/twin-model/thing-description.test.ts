import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { DATA_TYPES } from '../../src/model/data-type.ts';
import type { DevicePlan } from '../../src/model/plan.ts';
import type { PointDescription } from '../../src/model/point-description.ts';
import { decodeCommand } from '../../src/northbound/command-document.ts';
import { encodeResultBody } from '../../src/northbound/result-document.ts';
import { createShape } from '../../src/northbound/shapes/index.ts';
import { type TwinAddress, thingDescription } from '../../src/twin-model/thing-description.ts';
import { device } from '../northbound/plant.ts';
import { CONTEXT as GATEWAY, MESSAGES, SHAPES, storedOf, T0_MS, TELEMETRY } from '../northbound/shape-messages.ts';

const CONTEXT = 'https://www.w3.org/2022/wot/td/v1.1';
const ADDRESS: TwinAddress = {
  href: 'mqtts://broker.example:8883',
  security: 'basic',
  topicOf: (kind) => `gw-01/press-07/${kind}`,
  commandTopic: 'gw-01/press-07/command',
  resultTopic: 'gw-01/press-07/result',
  shape: 'twin',
};
const PRESS: DevicePlan = {
  ...device('press-07'),
  model: 'dtmi:com:example:Press;1',
  events: [{ name: 'overTemperature', settings: {} }],
  methods: [{ name: 'start', settings: {}, arguments: [{ name: 'program', type: 'uint16', isArray: true, max: 9 }] }],
};
const SETPOINT: PointDescription = {
  name: 'speed',
  kind: 'property',
  type: 'uint16',
  unit: 'Hz',
  write: { min: 10, max: 50, values: [10, 50] },
};

/** The schema of W3C is of a time when TD 1.1 had neither its address nor the scheme `auto`. */
function validator() {
  const schema = createRequire(import.meta.url)('wot-thing-description-types/schema/td-json-schema-validation.json');
  schema.definitions['thing-context-w3c-uri'].enum.push(CONTEXT);
  schema.definitions.securityScheme.oneOf[0].properties.scheme.enum.push('auto');
  const ajv = new Ajv({ strict: false, formats: { 'iri-reference': true } });
  addFormats.default(ajv);
  return ajv.compile(schema);
}

function formatted(): Ajv {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  return ajv;
}

const WRONG = { telemetry: 'temperature', property: 'emergencyStop' } as const;

const anyPoint = fc.record(
  {
    name: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,10}$/),
    kind: fc.constantFrom('telemetry' as const, 'property' as const),
    type: fc.oneof(
      fc.constantFrom(...DATA_TYPES),
      fc.constantFrom(...DATA_TYPES).map((element) => ({ element })),
      fc.constantFrom(...DATA_TYPES).map((field) => ({ fields: { field } })),
    ),
    unit: fc.string(),
    description: fc.string(),
    words: fc.constant({ 0: 'off', 1: 'on' }),
    min: fc.integer({ max: 0 }),
    max: fc.integer({ min: 1 }),
    write: fc.constant({ min: 0, max: 1 }),
  },
  { requiredKeys: ['name', 'kind'] },
);

describe('WoT Thing Descriptions', () => {
  const validate = validator();

  it('are valid by the schema of W3C, whatever points there are', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyPoint, { selector: ({ name }) => name }),
        fc.boolean(),
        fc.constantFrom('nosec' as const, 'basic' as const, 'auto' as const),
        (points, hasCommands, security) => {
          const { commandTopic: _, ...silent } = ADDRESS;
          const thing = thingDescription('gw-01', PRESS, points, { ...(hasCommands ? ADDRESS : silent), security });
          assert.ok(validate(JSON.parse(JSON.stringify(thing))), JSON.stringify(validate.errors));
        },
      ),
    );
  });

  it('name topics, units and limits, and how to show who one is, but no secret', () => {
    const { properties, events, security, securityDefinitions } = thingDescription('gw-01', PRESS, [SETPOINT], ADDRESS) as never;
    const form = { href: ADDRESS.href, contentType: 'application/json', 'mqv:controlPacket': 'subscribe', 'mqv:qos': '1' };
    assert.deepEqual(properties, {
      speed: {
        ...{ type: 'integer', minimum: 0, maximum: 65_535, unit: 'Hz', readOnly: true, observable: true },
        forms: [{ ...form, op: ['observeproperty', 'unobserveproperty'], 'mqv:filter': 'gw-01/press-07/property' }],
      },
    });
    assert.deepEqual(Object.keys(events), ['overTemperature', 'message_property', 'command_result']);
    assert.deepEqual([security, securityDefinitions], [['basic_sc'], { basic_sc: { scheme: 'basic' } }]);
  });

  for (const shape of ['twin', 'expanded', 'pnp']) {
    it(`have events that are the messages of the hub (${shape})`, () => {
      const points: readonly PointDescription[] = [
        { name: 'temperature', kind: 'telemetry', type: 'float64' },
        { name: 'strokes', kind: 'telemetry', type: 'int64' },
        { name: 'pressure', kind: 'telemetry', type: 'float64', min: 0 },
        { name: 'running', kind: 'telemetry', type: 'boolean' },
        { name: 'text', kind: 'telemetry', type: 'string' },
        { name: 'emergencyStop', kind: 'property', type: 'boolean' },
      ];
      const thing = thingDescription('gw-01', PRESS, points, { ...ADDRESS, shape });
      assert.ok(validate(JSON.parse(JSON.stringify(thing))), JSON.stringify(validate.errors));
      const { events } = thing as { events: Record<string, { data: object; forms: { 'mqv:filter': string }[] }> };
      const encoder = createShape(SHAPES[shape] ?? assert.fail(), GATEWAY);
      for (const kind of ['telemetry', 'property'] as const) {
        const { data, forms } = events[`message_${kind}`] ?? assert.fail();
        assert.equal(forms[0]?.['mqv:filter'], `gw-01/press-07/${kind}`);
        const isMessage = formatted().compile(data);
        for (const { payload } of encoder.encode(storedOf(MESSAGES[kind] ?? assert.fail()), T0_MS))
          assert.ok(isMessage(JSON.parse(payload)), JSON.stringify(isMessage.errors));
        const wrong = encoder.encode(storedOf({ ...TELEMETRY, kind, values: { [WRONG[kind]]: [[0, 'much']] } }), T0_MS);
        assert.ok(!isMessage(JSON.parse(wrong[0]?.payload ?? '')), 'a judge');
      }
    });
  }

  it('say nothing of messages whose form only their author knows', () => {
    const { events } = thingDescription('gw-01', PRESS, [SETPOINT], { ...ADDRESS, shape: 'template' }) as { events: object };
    assert.deepEqual(Object.keys(events), ['overTemperature', 'command_result']);
  });

  it('have an event that is the answer to an action', () => {
    const { events, actions } = thingDescription('gw-01', PRESS, [SETPOINT], ADDRESS) as {
      events: Record<string, { data: object; forms: { 'mqv:filter': string }[] }>;
      actions: Record<string, { output: object }>;
    };
    const { data, forms } = events.command_result ?? assert.fail();
    assert.equal(forms[0]?.['mqv:filter'], 'gw-01/press-07/result');
    assert.deepEqual(actions.start?.output, data);
    const isResult = formatted().compile(data);
    const error = { code: 'COMMAND_OUT_OF_RANGE', message: '9 is above 8' } as const;
    const base = { id: '7', device: 'press-07', points: {} };
    for (const result of [
      encodeResultBody({ ...base, status: 'done', points: { speed: { status: 'written', value: 5n } } }),
      encodeResultBody({ ...base, status: 'refused', error }),
      encodeResultBody({ ...base, status: 'done', method: 'start', outputs: { job: 4_711 } }),
    ])
      assert.ok(isResult(JSON.parse(JSON.stringify(result))), JSON.stringify(isResult.errors));
    assert.ok(!isResult({ schema: 'gw.result/1', twin: 'press-07', status: 'perhaps' }));
  });

  it('have actions whose input the gateway takes as a command', () => {
    const { actions } = thingDescription('gw-01', PRESS, [SETPOINT], ADDRESS) as never as {
      actions: Record<string, { input: object; forms: object[] }>;
    };
    assert.deepEqual(Object.keys(actions), ['set_speed', 'start']);
    const takes = (name: string, command: object) =>
      new Ajv({ strict: false }).compile(actions[name]?.input ?? assert.fail())(command);
    const good = {
      set_speed: { id: '1', desired: { speed: 50 } },
      start: { id: '2', method: 'start', arguments: { program: [1, 9] } },
    };
    for (const [name, command] of Object.entries(good)) {
      assert.ok(takes(name, command), name);
      const packet = { topic: 'x', payload: Buffer.from(JSON.stringify(command)), qos: 1, retain: false } as const;
      assert.equal(decodeCommand(packet, 'press-07').id, command.id);
    }
    assert.ok(!takes('set_speed', { id: '1', desired: { speed: 20 } }));
    assert.ok(!takes('set_speed', { id: '1', desired: { speed: 5_000 } }));
    assert.ok(!takes('start', { id: '2', method: 'start', arguments: { program: [10] } }));
    assert.ok(!takes('start', { id: '2', method: 'start' }));
  });

  it('are Thing Models without a hub', () => {
    const model = thingDescription('gw-01', PRESS, [SETPOINT]);
    assert.equal(model['@type'], 'tm:ThingModel');
    assert.doesNotMatch(JSON.stringify(model), /forms|security/);
  });
});
