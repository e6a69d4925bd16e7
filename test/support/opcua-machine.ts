import {
  DataType,
  ensureDatatypeExtracted,
  type IAddressSpace,
  type Namespace,
  type OPCUAServer,
  StatusCodes,
  standardUnits,
  type UAAlarmConditionEx,
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
  /** Something happened that has no state; `fields` beside the message. */
  raise(message: string, severity: number, partNumber: number): void;
  readonly alarm: UAAlarmConditionEx;
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
  add('Running', DataType.Boolean, { dataType: DataType.Boolean, value: true });
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

  const oven = namespace.addObject({ componentOf: object, nodeId: 's=Oven', browseName: 'Oven' });
  namespace.addAnalogDataItem({
    componentOf: oven,
    nodeId: 's=OvenTemperature',
    browseName: 'Temperature',
    dataType: 'Double',
    engineeringUnits: standardUnits.degree_celsius,
    engineeringUnitsRange: { low: -40, high: 400 },
    value: { dataType: DataType.Double, value: 180.5 },
  } as never);
  add('Temperature', DataType.Float, { dataType: DataType.Float, value: 20.5 }, -1, {
    accessLevel: 'CurrentRead',
    userAccessLevel: 'CurrentRead',
  });

  const variable = (name: string) => {
    const found = variables.get(name);
    if (found === undefined) throw new Error(`no variable ${name}`);
    return found;
  };
  addMethods(namespace, object, types.part);
  const happenings = addHappenings(addressSpace, namespace, object, variable('Running'));
  return { namespace, object, ...happenings, variable, part, set: (name, value) => variable(name).setValueFromSource(value) };
}

/**
 * `Start` takes a program, a batch and limits, and gives back a job; `Stop` takes nothing and is refused; `Load` takes a part and a
 * list of parts, and gives back the last of all.
 */
function addMethods(namespace: Namespace, object: UAObject, part: UADataType): void {
  const start = namespace.addMethod(object, {
    nodeId: 's=Start',
    browseName: 'Start',
    inputArguments: [
      { name: 'Program', dataType: DataType.UInt16 },
      { name: 'Batch', dataType: DataType.String },
      { name: 'Limits', dataType: DataType.Float, valueRank: 1 },
    ],
    outputArguments: [
      { name: 'Job', dataType: DataType.Int64 },
      { name: 'Accepted', dataType: DataType.Boolean },
    ],
  });
  start.bindMethod((inputs, _context, callback) => {
    const [program, batch, limits] = inputs;
    const isRight =
      program?.dataType === DataType.UInt16 && batch?.dataType === DataType.String && limits?.dataType === DataType.Float;
    if (program?.value === 99) return callback(null, { statusCode: StatusCodes.BadInvalidState });
    callback(null, {
      statusCode: StatusCodes.Good,
      outputArguments: [
        { dataType: DataType.Int64, arrayType: VariantArrayType.Scalar, value: [0x200000, Number(program?.value)] },
        { dataType: DataType.Boolean, value: isRight },
      ],
    });
  });
  const stop = namespace.addMethod(object, { nodeId: 's=Stop', browseName: 'Stop' });
  stop.bindMethod((_inputs, _context, callback) => callback(null, { statusCode: StatusCodes.BadUserAccessDenied }));
  const load = namespace.addMethod(object, {
    nodeId: 's=Load',
    browseName: 'Load',
    inputArguments: [
      { name: 'Part', dataType: part.nodeId },
      // One dimension or more.
      { name: 'Spares', dataType: part.nodeId, valueRank: 0 },
    ],
    outputArguments: [{ name: 'Last', dataType: part.nodeId }],
  });
  load.bindMethod(([one, spares], _context, callback) => {
    const last: unknown = spares?.value.at(-1) ?? one?.value;
    callback(null, { statusCode: StatusCodes.Good, outputArguments: [{ dataType: DataType.ExtensionObject, value: last }] });
  });
}

/** An event type with a field of its own, and an alarm that is active while the machine does not run. */
function addHappenings(addressSpace: IAddressSpace, namespace: Namespace, object: UAObject, running: UAVariable) {
  addressSpace.installAlarmsAndConditionsService();
  const partDone = namespace.addEventType({ nodeId: 's=PartDone', browseName: 'PartDone', subtypeOf: 'BaseEventType' } as never);
  namespace.addVariable({
    propertyOf: partDone,
    browseName: 'PartNumber',
    dataType: DataType.UInt32,
    modellingRule: 'Mandatory',
  });
  object.setEventNotifier(1);
  addressSpace.rootFolder.objects.server.addReference({ referenceType: 'HasNotifier', nodeId: object.nodeId });
  object.addReference({ referenceType: 'HasEventSource', nodeId: running.nodeId });
  const alarm = namespace.instantiateOffNormalAlarm({
    browseName: 'StoppedAlarm',
    nodeId: 's=StoppedAlarm',
    conditionName: 'StoppedAlarm',
    conditionSource: running,
    conditionOf: object,
    componentOf: object,
    inputNode: running,
    normalState: running,
    optionals: ['ConfirmedState', 'Confirm'],
  } as never);
  return {
    alarm: alarm as unknown as UAAlarmConditionEx,
    raise: (message: string, severity: number, partNumber: number) =>
      object.raiseEvent(partDone, {
        message: { dataType: DataType.LocalizedText, value: { text: message } },
        severity: { dataType: DataType.UInt16, value: severity },
        partNumber: { dataType: DataType.UInt32, value: partNumber },
      }),
  };
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
