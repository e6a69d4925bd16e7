/** The import rules of the house (ARCHITECTURE.md, "Rooms"). A room may import itself, what is named here, and Node. */
const ROOMS = {
  'src/model': [],
  'src/config': ['src/model'],
  'src/runtime': ['src/model'],
  'src/southbound': ['src/model', 'src/runtime'],
  'src/pipeline': ['src/model'],
  'src/spool': ['src/model'],
  'src/northbound': ['src/model', 'src/runtime', 'src/spool/spool\\.ts'],
  'src/receiver': [],
  'src/twin-model': ['src/model'],
  'src/audit': ['src/model'],
  'src/commands': ['src/model', 'src/southbound/connector\\.ts', 'src/northbound/hub\\.ts'],
  'src/simulator': ['src/model'],
  'connectors/[^/]+': ['src/model', 'src/runtime', 'src/southbound'],
};

/** Inside a connector each room may import itself and those before it; what stands in no room (`connector.ts`, `session.ts` …) and the tools (`finding/`) anything. */
const STOREYS = {
  'connectors/modbus': ['mapping', 'protocol', 'codec', 'planning', 'wire', 'polling', 'checking'],
  'connectors/opcua': ['mapping', 'protocol', 'security', 'connection', 'values', 'nodes', 'watching', 'events', 'writing'],
};

/** Each npm package is owned by one room. zod and rxjs are the common tongue of declarations and flows. */
const OWNERS = {
  '(node-opcua|node-opcua-client)': ['connectors/opcua', 'src/simulator'],
  serialport: ['connectors/modbus'],
  // The yardstick of the bench and a judge in tests.
  'modbus-serial': ['test'],
  mqtt: ['src/northbound'],
  '@bufbuild/protobuf': ['src/northbound'],
  ws: ['src/northbound'],
  '(@peculiar/x509|reflect-metadata)': ['src/northbound'],
  yaml: ['src/config'],
  '@marcbachmann/cel-js': ['src/pipeline', 'src/model'],
  pino: ['src/runtime'],
  'prom-client': ['src/runtime'],
  commander: ['src/cli'],
  aedes: ['src/simulator'],
  '@lydell/node-pty': ['src/simulator'],
};

const roomRules = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `room ${room}`,
  comment: `may import ${allowed.join(', ') || 'no other room'}`,
  severity: 'error',
  from: { path: `^(${room})/` },
  to: {
    path: '^(src|connectors|test|bench)/',
    pathNot: room === 'connectors/[^/]+' ? ['^$1/', ...allowed.map((to) => `^${to}`)] : [room, ...allowed].map((to) => `^${to}`),
  },
}));

const storeyRules = Object.entries(STOREYS).flatMap(([connector, rooms]) =>
  rooms.map((room, storey) => ({
    name: `room ${connector}/${room}`,
    comment: `may import ${rooms.slice(0, storey).join(', ') || 'no other room of its connector'}`,
    severity: 'error',
    from: { path: `^${connector}/${room}/` },
    to: { path: `^${connector}/`, pathNot: rooms.slice(0, storey + 1).map((below) => `^${connector}/${below}/`) },
  })),
);

const ownerRules = Object.entries(OWNERS).map(([name, rooms]) => ({
  name: `package ${name}`,
  comment: `is owned by ${rooms.join(', ')}`,
  severity: 'error',
  from: { path: '^(src|connectors)/', pathNot: rooms.map((room) => `^${room}/`) },
  to: { path: `node_modules/${name}/` },
}));

export default {
  forbidden: [
    { name: 'no circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no orphans',
      severity: 'error',
      from: { orphan: true, path: '^(src|connectors)/', pathNot: '^src/cli/main\\.ts$' },
      to: {},
    },
    {
      name: 'only the composition root knows the connectors',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/gateway/plug-ins\\.ts$' },
      to: { path: '^connectors/' },
    },
    {
      name: 'product does not import tests',
      severity: 'error',
      from: { path: '^(src|connectors)/' },
      to: { path: '^(test|bench|hardware-tests)/' },
    },
    ...roomRules,
    ...storeyRules,
    ...ownerRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
