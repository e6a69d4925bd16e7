import assert from 'node:assert/strict';
import type { IConnectPacket } from 'mqtt-packet';
import { readPayload, type WireMetric } from '../../support/sparkplug/wire.ts';
import { namesByAlias, type Story, type Told, tell } from './story.ts';

type Check = (story: Story) => void;

const BIRTHS = ['NBIRTH', 'DBIRTH'];
const DATA = ['NDATA', 'DDATA'];
const VALUE_FIELDS = [
  'intValue',
  'longValue',
  'floatValue',
  'doubleValue',
  'booleanValue',
  'stringValue',
  'bytesValue',
  'datasetValue',
  'templateValue',
];

const said = ({ told }: Story, ...verbs: string[]): readonly Told[] => {
  const found = told.filter(({ verb }) => verbs.includes(verb));
  assert.ok(found.length > 0, `no ${verbs.join(', ')} was said`);
  return found;
};
const metricsOf = (told: readonly Told[]): readonly WireMetric[] => told.flatMap(({ payload }) => payload.metrics);
const will = (connect: IConnectPacket) => connect.will ?? assert.fail('no will');
const bdSeqOf = (metrics: readonly WireMetric[]) => metrics.find(({ name }) => name === 'bdSeq');
const willSeq = (connect: IConnectPacket) => Number(bdSeqOf(readPayload(will(connect).payload as Buffer).metrics)?.longValue);
const subscribed = ({ packets }: Story) =>
  packets.flatMap(({ connection, packet }) =>
    packet.cmd === 'subscribe' ? packet.subscriptions.map(({ topic, qos }) => ({ connection, topic, qos })) : [],
  );
const hasValue = (metric: WireMetric) => VALUE_FIELDS.some((field) => field in metric);
const control = (story: Story) =>
  said(story, 'NBIRTH').map(
    ({ payload }) => payload.metrics.find(({ name }) => name === 'Node Control/Rebirth') ?? assert.fail('no control'),
  );

const topicIs =
  (verb: string): Check =>
  (story) => {
    for (const { topic, device } of said(story, verb)) {
      assert.equal(topic, `spBv1.0/plant-a/${verb}/gw-01${verb.startsWith('D') ? `/${device}` : ''}`);
      if (verb.startsWith('D')) assert.ok(['press-07', 'meter-01'].includes(device ?? ''));
    }
  };
const plainQos0 =
  (verb: string): Check =>
  (story) => {
    for (const { qos, retain } of said(story, verb)) assert.deepEqual([qos, retain], [0, false]);
  };
const hasTimestamp =
  (verb: string): Check =>
  (story) => {
    const nowMs = Date.now();
    for (const { payload } of said(story, verb)) assert.ok(Math.abs(Number(payload.timestamp) - nowMs) < 120_000);
  };
const hasSeq =
  (...verbs: string[]): Check =>
  (story) => {
    for (const { payload } of said(story, ...verbs)) assert.ok(Number(payload.seq) >= 0 && Number(payload.seq) <= 255);
  };
/** +1 from each message to the next, 255 → 0, whatever they are; NBIRTH begins anew. */
const seqRises: Check = ({ told }) => {
  let last = -1;
  let wraps = 0;
  for (const { verb, payload } of told) {
    if (verb === 'NDEATH') continue;
    const expected = verb === 'NBIRTH' ? 0 : (last + 1) % 256;
    assert.equal(Number(payload.seq), expected);
    if (verb !== 'NBIRTH' && last === 255) wraps += 1;
    last = expected;
  }
  assert.ok(wraps > 0, 'the story is too short to wrap');
};
const seqRisesIn =
  (verb: string): Check =>
  (story) => {
    said(story, verb);
    seqRises(story);
  };
const birthsAreWhole =
  (verb: string): Check =>
  (story) => {
    for (const { name, datatype, isNull = false, timestamp, templateValue, ...rest } of metricsOf(said(story, verb))) {
      assert.ok(name !== undefined && name !== '' && datatype !== undefined && timestamp !== undefined);
      assert.equal(isNull, !hasValue(templateValue === undefined ? rest : { templateValue }), `${name}: a value, or null`);
    }
  };
const everythingIsBorn =
  (verb: string): Check =>
  (story) => {
    const born = new Set<string>();
    for (const { verb: what, payload, device = '' } of story.told) {
      if (what === 'NBIRTH') born.clear();
      for (const { name, alias } of payload.metrics) {
        if (BIRTHS.includes(what)) born.add(`${what === 'NBIRTH' ? '' : device}/${alias ?? name}`);
        else if (DATA.includes(what))
          assert.ok(born.has(`${what === 'NDATA' ? '' : device}/${alias ?? name}`), `${device}/${alias ?? name}`);
      }
    }
    said(story, verb);
  };
const firstIsBirth: Check = ({ told }) => {
  for (const connection of new Set(told.map((one) => one.connection))) {
    const verbs = told.filter((one) => one.connection === connection).map(({ verb }) => verb);
    assert.equal(verbs[0], 'NBIRTH');
    const there = verbs.slice(1).findIndex((verb) => verb !== 'DBIRTH');
    assert.ok(there >= 1, 'the births of devices come at once');
  }
};
const bdSeqMatches: Check = (story) => {
  for (const { connection, payload } of said(story, 'NBIRTH')) {
    const connect = story.connects[connection - 1] ?? assert.fail();
    const metric = bdSeqOf(payload.metrics);
    assert.deepEqual([metric?.datatype, Number(metric?.longValue)], [4, willSeq(connect)]);
  }
};
const properties = (story: Story) => metricsOf(said(story, ...BIRTHS, ...DATA)).flatMap(({ properties: set }) => set ?? []);
const qualities = (story: Story) => {
  const found = properties(story).flatMap(({ keys, values }) => values.filter((_, index) => keys[index] === 'Quality'));
  assert.ok(found.length > 0);
  return found;
};
const dataSets = (story: Story) => {
  const found = metricsOf(said(story, ...DATA)).flatMap(({ datasetValue }) => datasetValue ?? []);
  assert.ok(found.length >= 2, 'a gap and a table');
  return found;
};
const templates = (story: Story, isDefinition: boolean, ...verbs: string[]) => {
  const all = (metrics: readonly WireMetric[]): readonly WireMetric[] =>
    metrics.flatMap((metric) => [metric, ...(metric.templateValue === undefined ? [] : all(metric.templateValue.metrics))]);
  const found = all(metricsOf(said(story, ...verbs))).filter(({ templateValue }) => templateValue?.isDefinition === isDefinition);
  assert.ok(found.length > 0);
  return found;
};
const definitions = (story: Story) =>
  new Map(templates(story, true, 'NBIRTH').map(({ name, templateValue }) => [name ?? '', templateValue]));
const membersAreDefined =
  (...verbs: string[]): Check =>
  (story) => {
    const defined = definitions(story);
    for (const { templateValue } of templates(story, false, ...verbs)) {
      const names = defined.get(templateValue?.templateRef ?? '')?.metrics.map(({ name }) => name) ?? assert.fail('not defined');
      for (const { name } of templateValue?.metrics ?? []) assert.ok(names.includes(name));
    }
  };
const disconnects = ({ packets }: Story) => packets.filter(({ packet }) => packet.cmd === 'disconnect');
const deathBeforeGoodbye: Check = ({ packets }) => {
  const goodbye = packets.findIndex(({ packet }) => packet.cmd === 'disconnect');
  const before = packets[goodbye - 1]?.packet;
  assert.ok(before?.cmd === 'publish' && before.topic === 'spBv1.0/plant-a/NDEATH/gw-01', 'NDEATH comes right before DISCONNECT');
  assert.equal(before.qos, 1);
};
const valuesMatchBirths: Check = ({ violations }) => assert.deepEqual(violations, []);

/** Ids of the specification without their prefix; those that say the same share a line. */
const ASSERTIONS: readonly (readonly [ids: string, what: string, check: Check])[] = [
  ['principles-birth-certificates-order', 'births come before anything else', firstIsBirth],
  [
    'message-flow-edge-node-birth-publish-connect',
    'it is connected before it is born',
    ({ packets, told }) => {
      for (const { connection } of told)
        assert.equal(packets.find((one) => one.connection === connection)?.packet.cmd, 'connect');
    },
  ],
  [
    'message-flow-edge-node-ncmd-subscribe',
    'commands to the node are subscribed in QoS 1, before its birth',
    (story) => {
      for (const connection of [1, 2]) {
        assert.ok(
          subscribed(story).some(
            (one) => one.connection === connection && one.topic === 'spBv1.0/plant-a/NCMD/gw-01' && one.qos === 1,
          ),
        );
        const mine = story.packets.filter((one) => one.connection === connection).map(({ packet }) => packet.cmd);
        assert.ok(mine.indexOf('subscribe') < mine.indexOf('publish'));
      }
    },
  ],
  [
    'message-flow-device-dcmd-subscribe',
    'commands to each device are subscribed in QoS 1',
    (story) => {
      const topics = subscribed(story)
        .filter(({ qos }) => qos === 1)
        .map(({ topic }) => topic);
      for (const device of ['press-07', 'meter-01']) assert.ok(topics.includes(`spBv1.0/plant-a/DCMD/gw-01/${device}`));
    },
  ],
  [
    'message-flow-edge-node-birth-publish-will-message payloads-ndeath-will-message',
    'each connection has a will',
    ({ connects }) => {
      assert.equal(connects.length, 2);
      for (const connect of connects) will(connect);
    },
  ],
  [
    'message-flow-edge-node-birth-publish-will-message-topic topics-ndeath-topic',
    'the will goes where deaths of the node go',
    ({ connects }) => {
      for (const connect of connects) assert.equal(will(connect).topic, 'spBv1.0/plant-a/NDEATH/gw-01');
    },
  ],
  [
    'message-flow-edge-node-birth-publish-will-message-payload topics-ndeath-payload payloads-ndeath-bdseq',
    'the will holds bdSeq and nothing else',
    ({ connects }) => {
      for (const connect of connects) {
        const { metrics } = readPayload(will(connect).payload as Buffer);
        assert.deepEqual(
          metrics.map(({ name, datatype }) => [name, datatype]),
          [['bdSeq', 4]],
        );
      }
    },
  ],
  [
    'message-flow-edge-node-birth-publish-will-message-payload-bdSeq topics-nbirth-bdseq-increment',
    'bdSeq is one higher at each connection',
    ({ connects }) => assert.deepEqual(connects.map(willSeq), [0, 1]),
  ],
  [
    'message-flow-edge-node-birth-publish-will-message-qos payloads-ndeath-will-message-qos',
    'the will goes in QoS 1',
    ({ connects }) => {
      for (const connect of connects) assert.equal(will(connect).qos, 1);
    },
  ],
  [
    'message-flow-edge-node-birth-publish-will-message-will-retained payloads-ndeath-will-message-retain',
    'the will is not retained',
    ({ connects }) => {
      for (const connect of connects) assert.equal(will(connect).retain, false);
    },
  ],
  [
    'payloads-ndeath-seq topics-ndeath-seq',
    'a death of the node has no seq',
    (story) => {
      for (const { payload } of said(story, 'NDEATH')) assert.equal(payload.seq, undefined);
      for (const connect of story.connects) assert.equal(readPayload(will(connect).payload as Buffer).seq, undefined);
    },
  ],
  ['topics-nbirth-topic message-flow-edge-node-birth-publish-nbirth-topic', 'the topic of NBIRTH', topicIs('NBIRTH')],
  [
    'topics-nbirth-mqtt payloads-nbirth-qos payloads-nbirth-retain message-flow-edge-node-birth-publish-nbirth-qos message-flow-edge-node-birth-publish-nbirth-retained',
    'NBIRTH in QoS 0, not retained',
    plainQos0('NBIRTH'),
  ],
  [
    'topics-nbirth-seq-num payloads-nbirth-seq payloads-sequence-num-req-nbirth message-flow-edge-node-birth-publish-nbirth-payload-seq',
    'NBIRTH has seq 0',
    (story) => {
      for (const { payload } of said(story, 'NBIRTH')) assert.equal(payload.seq, '0');
    },
  ],
  ['topics-nbirth-timestamp payloads-nbirth-timestamp', 'NBIRTH says when it was sent', hasTimestamp('NBIRTH')],
  [
    'topics-nbirth-metric-reqs operational-behavior-data-publish-nbirth',
    'NBIRTH has every metric that the node tells',
    everythingIsBorn('NDATA'),
  ],
  [
    'topics-nbirth-metrics operational-behavior-data-publish-nbirth-values message-flow-edge-node-birth-publish-nbirth-payload',
    'NBIRTH has name, datatype, time, and a value or null',
    birthsAreWhole('NBIRTH'),
  ],
  [
    'topics-nbirth-bdseq-included topics-nbirth-bdseq-matching payloads-nbirth-bdseq payloads-nbirth-bdseq-repeat message-flow-edge-node-birth-publish-nbirth-payload-bdSeq',
    'NBIRTH repeats the bdSeq of the will, rebirths too',
    bdSeqMatches,
  ],
  [
    'topics-nbirth-rebirth-metric payloads-nbirth-rebirth-req operational-behavior-data-commands-rebirth-name operational-behavior-data-commands-rebirth-datatype operational-behavior-data-commands-rebirth-value',
    'NBIRTH has Node Control/Rebirth, a Boolean that is false',
    (story) => {
      for (const { datatype, booleanValue } of control(story)) assert.deepEqual([datatype, booleanValue], [11, false]);
    },
  ],
  [
    'operational-behavior-data-commands-rebirth-name-aliases',
    'Node Control/Rebirth has no alias',
    (story) => {
      for (const metric of control(story)) assert.equal(metric.alias, undefined);
    },
  ],
  [
    'topics-nbirth-templates payloads-template-definition-nbirth',
    'templates are defined in NBIRTH',
    (story) => assert.ok(definitions(story).size >= 2),
  ],
  [
    'payloads-template-definition-nbirth-only',
    'templates are defined nowhere else',
    (story) => {
      for (const { templateValue } of metricsOf(said(story, 'DBIRTH', ...DATA)))
        assert.notEqual(templateValue?.isDefinition, true);
    },
  ],
  [
    'payloads-template-definition-is-definition payloads-template-definition-ref',
    'a definition says that it is one, and refers to none',
    (story) => {
      for (const { templateValue } of templates(story, true, 'NBIRTH')) assert.equal(templateValue?.templateRef, undefined);
    },
  ],
  [
    'payloads-template-is-definition payloads-template-is-definition-definition payloads-template-is-definition-instance payloads-template-ref-definition payloads-template-ref-instance',
    'each template says whether it is a definition: those in NBIRTH that refer to none are',
    (story) => {
      for (const { verb, payload } of said(story, ...BIRTHS, ...DATA)) {
        for (const { templateValue } of payload.metrics) {
          if (templateValue === undefined) continue;
          assert.equal(templateValue.isDefinition, verb === 'NBIRTH');
          assert.equal(templateValue.templateRef === undefined, templateValue.isDefinition);
        }
      }
    },
  ],
  [
    'payloads-template-definition-members',
    'a definition has all members with their types',
    (story) => {
      const recipe = definitions(story).get('_types_/recipe');
      assert.deepEqual(
        recipe?.metrics.map(({ name, datatype }) => [name, datatype]),
        [
          ['name', 12],
          ['steps', 19],
          ['done', 11],
        ],
      );
    },
  ],
  [
    'payloads-template-instance-is-definition payloads-template-instance-ref',
    'an instance says that it is none, and what it is an instance of',
    (story) => {
      const defined = definitions(story);
      for (const { templateValue } of templates(story, false, 'DBIRTH', 'DDATA'))
        assert.ok(defined.has(templateValue?.templateRef ?? ''));
    },
  ],
  [
    'payloads-template-instance-members payloads-template-instance-members-data',
    'an instance has members of its definition only',
    membersAreDefined('DBIRTH', 'DDATA'),
  ],
  [
    'payloads-template-instance-members-birth',
    'an instance in a birth has all members',
    (story) => {
      const defined = definitions(story);
      for (const { templateValue } of templates(story, false, 'DBIRTH')) {
        const all = defined.get(templateValue?.templateRef ?? '')?.metrics.map(({ name }) => name);
        assert.deepEqual(
          templateValue?.metrics.map(({ name }) => name),
          all,
        );
      }
    },
  ],
  [
    'payloads-nbirth-edge-node-descriptor topic-structure-namespace-unique-edge-node-descriptor',
    'one edge node has one name',
    ({ told }) =>
      assert.equal(
        new Set(
          told.map(({ topic }) =>
            topic
              .split('/')
              .filter((_, index) => index === 1 || index === 3)
              .join(),
          ),
        ).size,
        1,
      ),
  ],
  [
    'message-flow-device-birth-publish-nbirth-wait payloads-dbirth-order',
    'births of devices come after the birth of the node and before any data',
    firstIsBirth,
  ],
  [
    'message-flow-device-birth-publish-dbirth-topic message-flow-device-birth-publish-dbirth-match-edge-node-topic topics-dbirth-topic',
    'the topic of DBIRTH',
    topicIs('DBIRTH'),
  ],
  [
    'message-flow-device-birth-publish-dbirth-payload topics-dbirth-metrics operational-behavior-data-publish-dbirth-values',
    'DBIRTH has name, datatype, time, and a value or null',
    birthsAreWhole('DBIRTH'),
  ],
  [
    'message-flow-device-birth-publish-dbirth-qos message-flow-device-birth-publish-dbirth-retained topics-dbirth-mqtt payloads-dbirth-qos payloads-dbirth-retain',
    'DBIRTH in QoS 0, not retained',
    plainQos0('DBIRTH'),
  ],
  [
    'message-flow-device-birth-publish-dbirth-payload-seq topics-dbirth-seq payloads-dbirth-seq',
    'DBIRTH has a seq',
    hasSeq('DBIRTH'),
  ],
  ['payloads-dbirth-seq-inc', 'DBIRTH takes the next seq', seqRisesIn('DBIRTH')],
  ['topics-dbirth-timestamp payloads-dbirth-timestamp', 'DBIRTH says when it was sent', hasTimestamp('DBIRTH')],
  [
    'topics-dbirth-metric-reqs operational-behavior-data-publish-dbirth',
    'DBIRTH has every metric that the device tells',
    everythingIsBorn('DDATA'),
  ],
  ['payloads-ndata-order payloads-ddata-order', 'no data before all births', firstIsBirth],
  [
    'payloads-alias-uniqueness',
    'an alias stands for one metric in the whole edge node',
    (story) => {
      const owner = new Map<string, string>();
      for (const { device = '', payload } of said(story, ...BIRTHS))
        for (const { name, alias } of payload.metrics) {
          if (alias === undefined) continue;
          assert.equal(owner.get(alias) ?? `${device}/${name}`, `${device}/${name}`);
          owner.set(alias, `${device}/${name}`);
        }
      assert.ok(owner.size > 10);
    },
  ],
  [
    'payloads-alias-birth-requirement',
    'births carry name and alias',
    (story) => {
      for (const { name } of metricsOf(said(story, ...BIRTHS))) assert.ok(name !== undefined);
      assert.ok(metricsOf(said(story, 'DBIRTH')).some(({ alias, name }) => alias !== undefined && name === 'temperature'));
    },
  ],
  [
    'payloads-metric-datatype-req payloads-name-birth-data-requirement',
    'births carry datatypes and times',
    (story) => {
      birthsAreWhole('NBIRTH')(story);
      birthsAreWhole('DBIRTH')(story);
    },
  ],
  [
    'case-sensitivity-metric-names',
    'no two metrics of a device differ in case only',
    (story) => {
      for (const { payload } of said(story, ...BIRTHS)) {
        const names = payload.metrics.map(({ name = '' }) => name.toLowerCase());
        assert.equal(new Set(names).size, names.length);
      }
    },
  ],
  [
    'case-sensitivity-sparkplug-ids topic-structure-namespace-unique-device-id',
    'no two devices differ in case only',
    (story) => {
      const devices = new Set(said(story, 'DBIRTH').map(({ device = '' }) => device));
      assert.equal(new Set([...devices].map((device) => device.toLowerCase())).size, devices.size);
    },
  ],
  ...(['NDATA', 'DDATA'] as const).flatMap((verb): readonly (readonly [string, string, Check])[] => {
    const id = verb.toLowerCase();
    return [
      [`topics-${id}-topic`, `the topic of ${verb}`, topicIs(verb)],
      [`topics-${id}-mqtt payloads-${id}-qos payloads-${id}-retain`, `${verb} in QoS 0, not retained`, plainQos0(verb)],
      [`topics-${id}-seq-num payloads-${id}-seq`, `${verb} has a seq`, hasSeq(verb)],
      [`payloads-${id}-seq-inc`, `${verb} takes the next seq`, seqRisesIn(verb)],
      [`topics-${id}-timestamp payloads-${id}-timestamp`, `${verb} says when it was sent`, hasTimestamp(verb)],
      [`topics-${id}-payload`, `${verb} holds what births announced`, everythingIsBorn(verb)],
    ];
  }),
  [
    'payloads-sequence-num-always-included',
    'everything but a death of the node has a seq',
    hasSeq('NBIRTH', 'DBIRTH', 'NDATA', 'DDATA', 'DDEATH'),
  ],
  ['payloads-sequence-num-incrementing', 'seq rises by one, and 0 follows 255', seqRises],
  ['payloads-timestamp-in-UTC', 'times are milliseconds since 1970 UTC', hasTimestamp('DDATA')],
  [
    'payloads-metric-timestamp-in-UTC',
    'times of metrics are those of the device',
    (story) => {
      const names = namesByAlias(story.told);
      const times = metricsOf(said(story, 'DDATA'))
        .filter(({ alias = '' }) => names.get(alias) === 'temperature')
        .map(({ timestamp }) => Number(timestamp) - Date.UTC(2026, 0, 1));
      assert.deepEqual(times, [1_500, 1_900, 3_000, 4_000, 5_000, -60_000, -5_000]);
    },
  ],
  [
    'payloads-name-requirement payloads-alias-data-cmd-requirement',
    'data carry the alias and not the name',
    (story) => {
      for (const { name, alias } of metricsOf(said(story, ...DATA)))
        assert.deepEqual([name, alias === undefined], [undefined, false]);
    },
  ],
  [
    'payloads-metric-datatype-value-type payloads-metric-datatype-value',
    'values are in the field of the datatype their birth announced',
    valuesMatchBirths,
  ],
  [
    'payloads-metric-datatype-not-req',
    'data do not repeat the datatype',
    (story) => {
      for (const { datatype } of metricsOf(said(story, ...DATA))) assert.equal(datatype, undefined);
    },
  ],
  [
    'operational-behavior-data-publish-nbirth-change operational-behavior-data-publish-dbirth-change principles-rbe-recommended',
    'data hold what messages hold, once',
    (story) => {
      const uuids = said(story, ...DATA).flatMap(({ payload }) => payload.uuid ?? []);
      assert.equal(new Set(uuids).size, uuids.length);
      assert.equal(said(story, 'DDATA').length, uuids.length);
    },
  ],
  [
    'operational-behavior-data-publish-nbirth-order operational-behavior-data-publish-dbirth-order',
    'what is live is in order of time',
    valuesMatchBirths,
  ],
  [
    'payloads-propertyset-keys-array-size payloads-propertyset-values-array-size',
    'there are as many keys as values',
    (story) => {
      for (const { keys, values } of properties(story)) assert.equal(keys.length, values.length);
    },
  ],
  [
    'payloads-metric-propertyvalue-type-type payloads-metric-propertyvalue-type-value payloads-metric-propertyvalue-type-req',
    'every property has a type that exists',
    (story) => {
      for (const { values } of properties(story))
        for (const { type } of values) assert.ok(type !== undefined && type >= 1 && type <= 34);
    },
  ],
  [
    'payloads-propertyset-quality-value-type',
    'quality is an Int32',
    (story) => {
      for (const { type } of qualities(story)) assert.equal(type, 3);
    },
  ],
  [
    'payloads-propertyset-quality-value-value',
    'quality is bad, good or stale',
    (story) => assert.deepEqual(new Set(qualities(story).map(({ intValue }) => intValue)), new Set([0, 192, 500])),
  ],
  [
    'payloads-dataset-column-size payloads-dataset-column-num-headers payloads-dataset-types-num',
    'a data set has as many names and types as columns',
    (story) => {
      for (const { numOfColumns, columns, types, rows } of dataSets(story)) {
        assert.deepEqual([columns.length, types.length], [Number(numOfColumns), Number(numOfColumns)]);
        for (const { elements } of rows) assert.equal(elements.length, columns.length);
      }
    },
  ],
  [
    'payloads-dataset-parameter-type-req',
    'every data set says its types, one with columns at least one',
    (story) => {
      for (const { columns, types } of dataSets(story)) assert.ok(columns.length > 0 && types.length > 0);
    },
  ],
  [
    'payloads-dataset-types-def payloads-dataset-types-type payloads-dataset-types-value payloads-template-dataset-value',
    'columns have a basic type',
    (story) => {
      for (const { types } of dataSets(story)) for (const type of types) assert.ok(type >= 1 && type <= 15);
    },
  ],
  [
    'operational-behavior-data-commands-rebirth-action-1 operational-behavior-data-commands-rebirth-action-2',
    'asked for a rebirth, it stops telling and is born anew, all of it',
    ({ rebirth }) =>
      assert.deepEqual(
        rebirth.slice(0, 4).map(({ verb, device }) => [verb, device]),
        [
          ['NBIRTH', undefined],
          ['DBIRTH', 'press-07'],
          ['DBIRTH', 'meter-01'],
          ['DDATA', 'meter-01'],
        ],
      ),
  ],
  [
    'operational-behavior-data-commands-rebirth-action-3',
    'a rebirth keeps the bdSeq of the connection',
    ({ rebirth, connects }) =>
      assert.equal(Number(bdSeqOf(rebirth[0]?.payload.metrics ?? [])?.longValue), willSeq(connects[0] ?? assert.fail())),
  ],
  [
    'operational-behavior-data-commands-ncmd-metric-name operational-behavior-data-commands-ncmd-metric-value operational-behavior-data-commands-dcmd-metric-name operational-behavior-data-commands-dcmd-metric-value',
    'commands by name and by alias are carried out, and what was read back is told',
    ({ afterCommand, told }) => {
      const names = namesByAlias(told);
      const all = metricsOf(afterCommand.filter(({ verb }) => DATA.includes(verb)));
      assert.deepEqual(
        all.map(({ alias = '' }) => names.get(alias)),
        ['Gateway/Command Result', 'setpoint'],
      );
      assert.equal(all[1]?.intValue, 900);
    },
  ],
  [
    'operational-behavior-edge-node-intentional-disconnect-ndeath payloads-ndeath-will-message-publisher',
    'it says its death before it goes',
    deathBeforeGoodbye,
  ],
  [
    'operational-behavior-edge-node-intentional-disconnect-packet',
    'it goes with a DISCONNECT',
    (story) => assert.equal(disconnects(story).length, 1),
  ],
  [
    'operational-behavior-device-ddeath',
    'a device that cannot be reached is dead at once, and born when it is back',
    ({ told }) => {
      const meter = told.filter(({ device }) => device === 'meter-01').map(({ verb }) => verb);
      assert.deepEqual(meter.slice(meter.indexOf('DDEATH') - 1, meter.indexOf('DDEATH') + 3), [
        'DDATA',
        'DDEATH',
        'DBIRTH',
        'DDATA',
      ]);
    },
  ],
  ['topics-ddeath-topic', 'the topic of DDEATH', topicIs('DDEATH')],
  ['topics-ddeath-mqtt', 'DDEATH in QoS 0, not retained', plainQos0('DDEATH')],
  ['topics-ddeath-seq-num payloads-ddeath-seq', 'DDEATH has a seq', hasSeq('DDEATH')],
  ['payloads-ddeath-seq-inc payloads-ddeath-seq-number', 'DDEATH takes the next seq', seqRisesIn('DDEATH')],
  ['payloads-ddeath-timestamp', 'DDEATH says when it was sent', hasTimestamp('DDEATH')],
  [
    'topic-structure topic-structure-namespace-a',
    'topics are spBv1.0, group, verb, node and device',
    ({ told }) => {
      for (const { topic } of told) assert.match(topic, /^spBv1\.0\/plant-a\/[ND](BIRTH|DATA|DEATH)\/gw-01(\/[^/]+)?$/);
    },
  ],
  [
    'topic-structure-namespace-valid-group-id topic-structure-namespace-valid-edge-node-id topic-structure-namespace-valid-device-id intro-group-id-string intro-group-id-chars intro-edge-node-id-string intro-edge-node-id-chars intro-device-id-string intro-device-id-chars',
    'names in topics have no wildcard and no slash',
    ({ told }) => {
      for (const { topic } of told) for (const level of topic.split('/')) assert.match(level, /^[^+#/]+$/);
    },
  ],
  [
    'topic-structure-namespace-device-id-associated-message-types topic-structure-namespace-device-id-non-associated-message-types',
    'messages of devices name one, messages of the node do not',
    ({ told }) => {
      for (const { verb, device } of told) assert.equal(device !== undefined, verb.startsWith('D'));
    },
  ],
];

for (const protocol of ['3.1.1', 5] as const) {
  describe(`Sparkplug B 3.0, assertions for an edge node, MQTT ${protocol}`, () => {
    let story: Story;

    before(async function () {
      this.timeout(30_000);
      story = await tell(protocol);
    });

    for (const [ids, what, check] of ASSERTIONS) {
      for (const id of ids.split(' ')) it(`tck-id-${id}: ${what}`, () => check(story));
    }

    if (protocol === '3.1.1') {
      it('tck-id-principles-persistence-clean-session-311: nothing is kept at the broker', () => {
        for (const { clean } of story.connects) assert.equal(clean, true);
      });
      it('tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt311: its death comes before DISCONNECT', () =>
        deathBeforeGoodbye(story));
    } else {
      it('tck-id-principles-persistence-clean-session-50: nothing is kept at the broker', () => {
        for (const { clean, properties: given } of story.connects)
          assert.deepEqual([clean, given?.sessionExpiryInterval ?? 0], [true, 0]);
      });
      it('tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt50: DISCONNECT asks for the will', () => {
        assert.deepEqual(
          disconnects(story).map(({ packet }) => 'reasonCode' in packet && packet.reasonCode),
          [4],
        );
      });
    }

    it('breaks no rule that a strict host knows', () => assert.deepEqual(story.violations, []));
  });
}
