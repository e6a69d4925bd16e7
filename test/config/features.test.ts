import assert from 'node:assert/strict';
import { z } from 'zod';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { referencePage } from '../../src/config/reference.ts';
import { jsonSchemas } from '../../src/config/schemas.ts';
import type { Declarations, ProtocolDeclaration, Remark } from '../../src/model/declaration.ts';
import type { ConnectionPlan } from '../../src/model/plan.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { declarations } from '../support/declarations.ts';

/** A protocol that knows events and methods, and complains about what its devices do not have. */
const robot: ProtocolDeclaration = {
  protocol: 'robot',
  summary: 'For tests',
  connection: z.object({ host: z.string() }),
  device: z.object({}),
  point: z.object({ address: z.string() }),
  event: z.object({ source: z.string().meta({ description: 'Where it comes from', examples: ['axis-1'] }) }),
  method: z.object({ program: z.string().meta({ description: 'What is called', examples: ['start'] }) }),
  endpoint: ({ host }: { host: string }) => `robot://${host}`,
  check: (plan: ConnectionPlan) =>
    plan.devices.flatMap(({ twin, events = [], methods = [] }): Remark[] => [
      ...events
        .filter(({ name }) => name === 'ghost')
        .map(({ name }): Remark => ({ ...REMARK, device: twin, event: name, key: 'source' })),
      ...methods
        .filter(({ name }) => name === 'ghost')
        .map(({ name }): Remark => ({ ...REMARK, device: twin, method: name, key: 'program' })),
    ]),
};
const REMARK = { severity: 'error', message: 'the robot has no such thing' } as const;
const withRobot: Declarations = { ...declarations, protocols: [...declarations.protocols, robot] };

const GATEWAY = 'gateway: { id: plant-a }\nhubs: { cloud: { dialect: mqtt, url: mqtt://127.0.0.1 } }\n';
const HEAD = 'twin: robot-1\nconnection: { protocol: robot, host: 10.0.0.1 }\n';

async function load(mapping: string) {
  using configuration = new TemporaryConfiguration({ 'gateway.yaml': GATEWAY, 'mappings/robot.yaml': HEAD + mapping });
  const options = { environment: {}, relativeTo: configuration.directory };
  const { plan, problems } = await loadConfiguration(configuration.directory, withRobot, options);
  return { device: plan?.devices.find(({ twin }) => twin === 'robot-1'), printed: formatProblems(problems) };
}

describe('events and methods of a mapping', () => {
  it("are read with the keys of their protocol and everybody's", async () => {
    const { device, printed } = await load(`points:
  doorShut: { address: d1, type: boolean }
events:
  collision: { source: axis-1, description: The arm has hit something }
methods:
  startProgram:
    program: main
    arguments:
      zone: { type: uint16, min: 1, max: 9 }
      angles: { type: float64, array: true, min: -180, max: 180 }
      tool: { type: structure, max: 9 }
    atMostEvery: 5 s
    onlyIf: doorShut == true
    maxAge: 2 s
    approval: required
`);
    assert.equal(printed, '');
    assert.deepEqual(device?.events, [{ name: 'collision', settings: { source: 'axis-1' } }]);
    assert.deepEqual(device?.methods, [
      {
        name: 'startProgram',
        settings: { program: 'main' },
        arguments: [
          { name: 'zone', type: 'uint16', isArray: false, min: 1, max: 9 },
          { name: 'angles', type: 'float64', isArray: true, min: -180, max: 180 },
          { name: 'tool', type: 'structure', isArray: false, max: 9 },
        ],
        atMostEveryMs: 5_000,
        onlyIf: 'doorShut == true',
        maxAgeMs: 2_000,
        approveWithinMs: 300_000,
      },
    ]);
  });

  it('are enough for a mapping without points', async () => {
    const { device, printed } = await load('methods: { stop: { program: stop } }\n');
    assert.deepEqual([printed, device?.points, device?.methods?.length, device?.events], ['', [], 1, undefined]);
  });

  const wrong: readonly (readonly [what: string, mapping: string, expected: RegExp])[] = [
    ['a key that is misspelt', 'events: { hit: { sorce: axis-1 } }', /unknown key `sorce`[\s\S]*did you mean `source`\?/],
    ['a key that is missing', 'events: { hit: {} }', /`source` is missing[\s\S]*e\.g\. source: axis-1/],
    ['a name that DTDL does not know', 'events: { hit-1: { source: a } }', /`hit-1` cannot be a name in `events`/],
    [
      'the name of a point',
      'points: { hit: { address: a } }\nevents: { hit: { source: a } }',
      /`hit` is also the name of a point/,
    ],
    ['a list', 'methods: [start]', /wrong value for `methods`[\s\S]*methods by name/],
    ['a text', 'methods: { start: main }', /wrong value for `start`/],
    ['an argument without a type', 'methods: { start: { program: a, arguments: { zone: {} } } }', /`type` is missing/],
    [
      'an argument of an unknown type',
      'methods: { start: { program: a, arguments: { zone: { type: word } } } }',
      /wrong value for `type`[\s\S]*uint16/,
    ],
    [
      'a name no argument can have',
      'methods: { start: { program: a, arguments: { "zone 1": { type: string } } } }',
      /`zone 1` cannot be the name of an argument/,
    ],
    [
      'limits that exclude everything',
      'methods: { start: { program: a, arguments: { zone: { type: int8, min: 9, max: 1 } } } }',
      /9 is greater than `max` 1, so nothing could be given/,
    ],
    [
      'an argument without limits',
      'methods: { start: { program: a, arguments: { zone: { type: int8 } } } }',
      /warning: any number may be given here/,
    ],
    [
      'a condition on a point that is not there',
      'methods: { start: { program: a, onlyIf: door == true } }',
      /wrong condition in `onlyIf`[\s\S]*door/,
    ],
    [
      'what the protocol finds wrong with an event',
      'events: { ghost: { source: a } }',
      /robot\.yaml:3:20: error: the robot has no such thing/,
    ],
    [
      'what the protocol finds wrong with a method',
      'methods: { ghost: { program: a } }',
      /robot\.yaml:3:21: error: the robot has no such thing/,
    ],
  ];
  for (const [what, mapping, expected] of wrong) {
    it(`are told: ${what}`, async () => {
      const { printed } = await load(`${mapping}\n`);
      assert.match(printed, expected);
      assert.match(printed, /1 error, 0 warnings|0 errors, 1 warning/, printed);
    });
  }

  it('stand in the reference and in the JSON Schema, where a protocol knows them', () => {
    assert.match(referencePage(withRobot), /### An event[\s\S]*`source`[\s\S]*### A method[\s\S]*`program`/);
    const { $defs, allOf } = jsonSchemas(withRobot).mapping as { $defs: Record<string, { required: string[] }>; allOf: unknown };
    assert.deepEqual($defs['methods-robot']?.required, ['program']);
    assert.equal($defs['methods-modbus-tcp'], undefined);
    assert.match(JSON.stringify(allOf), /"const":"modbus-tcp".*"events":false,"methods":false/);
  });
});
