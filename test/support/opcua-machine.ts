import {
  DataType,
  ensureDatatypeExtracted,
  type IAddressSpace,
  type Namespace,
  type OPCUAServer,
  type UADataType,
  type UAObject,
  type UAVariable,
  Variant,
  VariantArrayType,
  type VariantOptions,
} from 'node-opcua';

/** Node ids are `s=<name>` in this namespace. */
export const MACHINE = 'urn:test:machine';

export interface Machine {
  readonly namespace: Namespace;
  readonly object: UAObject;
  variable(name: string): UAVariable;
  set(name: string, value: VariantOptions): void;
  /** A `PartData` as the server holds it. */
  part(fields: Readonly<Record<string, unknown>>): VariantOptions;
}

export const PART = {
  Serial: [0x200000, 1],
  Name: 'bolt',
  Mode: 1,
  Position: { X: 1.5, Y: -2 },
  Track: [
    { X: 3, Y: 4 },
    { X: 5, Y: 6 },
  ],
  Weights: [0.1, 0.2],
};

/** A machine with arrays, a matrix, enumerations and structures, added to a running server. */
export async function addMachine(server: OPCUAServer): Promise<Machine> {
  const { addressSpace } = server.engine;
  if (addressSpace === null) throw new Error('the server has no address space');
  const namespace = addressSpace.registerNamespace(MACHINE);
  const object = namespace.addObject({
    organizedBy: addressSpace.rootFolder.objects,
    nodeId: 's=Machine',
    browseName: 'Machine',
  });
  const types = await addTypes(addressSpace, namespace);
  const variables = new Map<string, UAVariable>();
  const add = (name: string, dataType: UADataType | DataType, value: VariantOptions, valueRank = -1, more = {}) => {
    const type = typeof dataType === 'object' ? dataType.nodeId : dataType;
    const variable = namespace.addVariable({
      componentOf: object,
      nodeId: `s=${name}`,
      browseName: name,
      dataType: type,
      valueRank,
      minimumSamplingInterval: 10,
      ...more,
    });
    variable.setValueFromSource(value);
    variables.set(name, variable);
  };
  const construct = (type: UADataType, fields: Readonly<Record<string, unknown>>) =>
    addressSpace.constructExtensionObject(type, fields as Record<string, unknown>);
  const part = (fields: Readonly<Record<string, unknown>>) => ({
    dataType: DataType.ExtensionObject,
    value: construct(types.part, toLibrary(fields)),
  });

  add('Doubles', DataType.Double, { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1, 2, 3] }, 1);
  const longs = [
    [0x200000, 1],
    [0xffffffff, 0xffffffff],
  ];
  add('Longs', DataType.Int64, { dataType: DataType.Int64, arrayType: VariantArrayType.Array, value: longs }, 1);
  add(
    'Matrix',
    DataType.Int16,
    new Variant({ dataType: DataType.Int16, arrayType: VariantArrayType.Matrix, dimensions: [2, 3], value: [1, 2, 3, 4, 5, 6] }),
    2,
    { arrayDimensions: [2, 3] },
  );
  add('Stamped', DataType.Double, { dataType: DataType.Double, value: 0 });
  add('Mode', types.mode, { dataType: DataType.Int32, value: 1 });
  add('Step', types.step, { dataType: DataType.Int32, value: 20 });
  add('Part', types.part, part(PART));
  const parts = [PART, { ...PART, Name: 'nut' }].map((fields) => construct(types.part, toLibrary(fields)));
  add('Parts', types.part, { dataType: DataType.ExtensionObject, arrayType: VariantArrayType.Array, value: parts }, 1);
  const door = namespace.addTwoStateDiscrete({
    componentOf: object,
    nodeId: 's=Door',
    browseName: 'Door',
    trueState: 'open',
    falseState: 'closed',
    value: true,
  } as never);
  variables.set('Door', door as unknown as UAVariable);

  const variable = (name: string) => {
    const found = variables.get(name);
    if (found === undefined) throw new Error(`no variable ${name}`);
    return found;
  };
  return { namespace, object, variable, part, set: (name, value) => variable(name).setValueFromSource(value) };
}

async function addTypes(addressSpace: IAddressSpace, namespace: Namespace) {
  const mode = namespace.addEnumerationType({ browseName: 'Mode', enumeration: ['Stopped', 'Running', 'Fault'] });
  const step = namespace.addEnumerationType({
    browseName: 'Step',
    enumeration: [
      { displayName: 'Load', value: 10 },
      { displayName: 'Press', value: 20 },
    ],
  });
  const vector = addStructure(namespace, 'Vector', { X: DataType.Double, Y: DataType.Double });
  const part = addStructure(namespace, 'PartData', {
    Serial: DataType.Int64,
    Name: DataType.String,
    Mode: mode,
    Position: vector,
    Track: [vector],
    Weights: [DataType.Float],
  });
  // The library reads the types once, at the start of the server; these came later.
  Reflect.deleteProperty(addressSpace, '$$extraDataTypeManager');
  await ensureDatatypeExtracted(addressSpace);
  return { mode, step, vector, part };
}

type FieldType = DataType | UADataType;

function addStructure(
  namespace: Namespace,
  name: string,
  fields: Readonly<Record<string, FieldType | readonly [FieldType]>>,
): UADataType {
  const partialDefinition = Object.entries(fields).map(([field, type]) => {
    const one = Array.isArray(type) ? (type as readonly [FieldType])[0] : (type as FieldType);
    return { name: field, dataType: typeof one === 'object' ? one.nodeId : one, valueRank: Array.isArray(type) ? 1 : -1 };
  });
  const dataType = namespace.createDataType({
    browseName: name,
    isAbstract: false,
    subtypeOf: 'Structure',
    partialDefinition: partialDefinition as never,
  });
  namespace.addObject({
    browseName: { namespaceIndex: 0, name: 'Default Binary' },
    typeDefinition: 'DataTypeEncodingType',
    encodingOf: dataType,
  } as never);
  return dataType;
}

/** The library begins the names of fields with a small letter. */
function toLibrary(value: unknown): Record<string, unknown> {
  return change(value) as Record<string, unknown>;
}

function change(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [`${name[0]?.toLowerCase()}${name.slice(1)}`, change(part)]),
  );
}
