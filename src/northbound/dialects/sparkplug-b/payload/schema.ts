import { createFileRegistry, create as createMessage, type DescMessage } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

/**
 * The payload of Sparkplug B 3.0 (§6.4, proto2) as a descriptor: names and numbers of all fields. In proto2 a field that is set is
 * written, 0 and false too. A line is `number name type`; `*`: repeated; `|`: a member of the one-of `value`. A type with a capital is
 * a message.
 */
const MESSAGES: Readonly<Record<string, string>> = {
  Payload: '1 timestamp uint64, 2 metrics *Metric, 3 seq uint64, 4 uuid string, 5 body bytes',
  Metric: `1 name string, 2 alias uint64, 3 timestamp uint64, 4 datatype uint32, 5 is_historical bool, 6 is_transient bool,
    7 is_null bool, 8 metadata MetaData, 9 properties PropertySet, 10 int_value |uint32, 11 long_value |uint64,
    12 float_value |float, 13 double_value |double, 14 boolean_value |bool, 15 string_value |string, 16 bytes_value |bytes,
    17 dataset_value |DataSet, 18 template_value |Template`,
  MetaData: `1 is_multi_part bool, 2 content_type string, 3 size uint64, 4 seq uint64, 5 file_name string, 6 file_type string,
    7 md5 string, 8 description string`,
  PropertySet: '1 keys *string, 2 values *PropertyValue',
  PropertySetList: '1 propertyset *PropertySet',
  PropertyValue: `1 type uint32, 2 is_null bool, 3 int_value |uint32, 4 long_value |uint64, 5 float_value |float,
    6 double_value |double, 7 boolean_value |bool, 8 string_value |string, 9 propertyset_value |PropertySet,
    10 propertysets_value |PropertySetList`,
  DataSet: '1 num_of_columns uint64, 2 columns *string, 3 types *uint32, 4 rows *Row',
  Row: '1 elements *DataSetValue',
  DataSetValue: `1 int_value |uint32, 2 long_value |uint64, 3 float_value |float, 4 double_value |double, 5 boolean_value |bool,
    6 string_value |string`,
  Template: '1 version string, 2 metrics *Metric, 3 parameters *Parameter, 4 template_ref string, 5 is_definition bool',
  Parameter: `1 name string, 2 type uint32, 3 int_value |uint32, 4 long_value |uint64, 5 float_value |float,
    6 double_value |double, 7 boolean_value |bool, 8 string_value |string`,
};

const SCALARS: Readonly<Record<string, Type>> = {
  uint32: Type.UINT32,
  uint64: Type.UINT64,
  float: Type.FLOAT,
  double: Type.DOUBLE,
  bool: Type.BOOL,
  string: Type.STRING,
  bytes: Type.BYTES,
};

const FIELD = /^(\d+) (\w+) ([*|]?)(\w+)$/;

function describe(): FileDescriptorProto {
  const messageType = Object.entries(MESSAGES).map(([name, fields]) => describeMessage(name, fields.split(/,\s+/)));
  return createMessage(FileDescriptorProtoSchema, { name: 'sparkplug_b', package: 'sparkplug', syntax: 'proto2', messageType });
}

function describeMessage(name: string, lines: readonly string[]): DescriptorProto {
  const field = lines.map((line) => {
    const [, number, fieldName = '', mark, type = ''] = FIELD.exec(line) ?? [];
    const scalar = SCALARS[type];
    return {
      name: fieldName,
      number: Number(number),
      label: mark === '*' ? Label.REPEATED : Label.OPTIONAL,
      ...(scalar === undefined ? { type: Type.MESSAGE, typeName: `.sparkplug.${type}` } : { type: scalar }),
      ...(mark === '|' ? { oneofIndex: 0 } : {}),
    };
  });
  const oneofDecl = field.some((each) => 'oneofIndex' in each) ? [{ name: 'value' }] : [];
  return createMessage(DescriptorProtoSchema, { name, field, oneofDecl });
}

const registry = createFileRegistry(describe(), () => undefined);

/** Throws where the table above has no such message. */
function messageNamed(name: string): DescMessage {
  const found = registry.getMessage(`sparkplug.${name}`);
  if (found === undefined) throw new TypeError(`no message ${name}`);
  return found;
}

export const PAYLOAD: DescMessage = messageNamed('Payload');
