import type { UAVariable } from 'node-opcua';

type Library = typeof import('node-opcua');

/** Built-in types of OPC UA Part 6, section 5.1.2, as far as they are scalars. 64-bit integers are bigint here. */
export type OpcuaType =
  | 'Boolean'
  | 'SByte'
  | 'Byte'
  | 'Int16'
  | 'UInt16'
  | 'Int32'
  | 'UInt32'
  | 'Int64'
  | 'UInt64'
  | 'Float'
  | 'Double'
  | 'String'
  | 'DateTime'
  | 'Guid'
  | 'ByteString'
  | 'LocalizedText'
  | 'QualifiedName'
  | 'NodeId'
  | 'StatusCode';

export interface OpcuaVariableOptions {
  /** Also its node identifier: `s=<name>`. */
  readonly name: string;
  readonly type: OpcuaType;
  readonly value: unknown;
  readonly isWritable?: boolean;
}

/** One variable of the simulated server; outlives a restart of the server. */
export class OpcuaVariable {
  readonly name: string;
  readonly type: OpcuaType;
  readonly isWritable: boolean;
  #value: unknown;
  #status = 'Good';
  #sourceTimeMs = Date.now();
  #library: Library | undefined;
  #node: UAVariable | undefined;

  constructor({ name, type, value, isWritable = false }: OpcuaVariableOptions) {
    this.name = name;
    this.type = type;
    this.isWritable = isWritable;
    this.#value = value;
  }

  /** What the server holds now, written by a client or set here. */
  get value(): unknown {
    if (this.#node === undefined) return this.#value;
    const held: unknown = this.#node.readValue().value.value;
    return isWide(this.type) ? joinWords(held) : held;
  }

  /** `status`: an OPC UA symbolic name. `sourceTimeMs`: UTC, milliseconds since 1970. */
  set(value: unknown, status = 'Good', sourceTimeMs = Date.now()): void {
    this.#value = value;
    this.#status = status;
    this.#sourceTimeMs = sourceTimeMs;
    this.#show();
  }

  /** Called by the server when it has made the node. */
  attach(library: Library, node: UAVariable): void {
    this.#library = library;
    this.#node = node;
    this.#show();
  }

  /** Called by the server when it goes down; what a client has written is kept. */
  detach(): void {
    this.#value = this.value;
    this.#node = undefined;
  }

  #show(): void {
    if (this.#library === undefined || this.#node === undefined) return;
    const { DataType, StatusCodes, Variant, VariantArrayType } = this.#library;
    const value = isWide(this.type) ? splitWords(this.#value) : this.#value;
    const status = Object.entries(StatusCodes).find(([name]) => name === this.#status)?.[1] ?? StatusCodes.Bad;
    const variant = new Variant({ dataType: DataType[this.type], arrayType: VariantArrayType.Scalar, value });
    this.#node.setValueFromSource(variant, status, new Date(this.#sourceTimeMs));
  }
}

function isWide(type: OpcuaType): boolean {
  return type === 'Int64' || type === 'UInt64';
}

/** The library keeps 64-bit integers as their two 32-bit halves, the upper one first. */
function splitWords(value: unknown): readonly [number, number] {
  const bits = BigInt.asUintN(64, typeof value === 'bigint' ? value : BigInt(Number(value)));
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)];
}

function joinWords(words: unknown): unknown {
  if (!Array.isArray(words)) return words;
  const [high, low] = words as readonly number[];
  return (BigInt(high ?? 0) << 32n) | BigInt((low ?? 0) >>> 0);
}
