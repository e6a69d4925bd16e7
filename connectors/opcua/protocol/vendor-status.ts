import { createRequire } from 'node:module';
import { type StatusCode, StatusCodes } from 'node-opcua-client';

/**
 * node-opcua 2.182 takes every status code that its table lacks for `Bad`, whatever its severity, and says so on the console each
 * time. Vendors have such codes: here each enters the table as itself when it is met.
 */
interface Stream {
  readUInt32(): number;
}

type Decode = (stream: Stream) => StatusCode;

interface StatusCodeModule {
  decodeStatusCode: Decode;
  readonly getStatusCodeFromCode: (code: number) => StatusCode;
  readonly ConstantStatusCode: new (facts: { name: string; value: number; description: string }) => StatusCode;
  readonly _installStatusCodes: (codes: Record<string, StatusCode>, fallback: StatusCode, coerce: unknown) => void;
}

const ofLibrary = createRequire(import.meta.resolve('node-opcua-client'));
let isInstalled = false;

export function knowVendorStatuses(): void {
  if (isInstalled) return;
  isInstalled = true;
  const module = ofLibrary('node-opcua-status-code/dist/opcua_status_code.js') as StatusCodeModule;
  const { coerceStatusCode } = ofLibrary('node-opcua-status-code') as { readonly coerceStatusCode: unknown };
  const known = new Set(Object.values(StatusCodes as unknown as Record<string, StatusCode>).map(({ value }) => value >>> 16));
  const decode: Decode = (stream) => {
    const code = stream.readUInt32();
    if (!known.has(code >>> 16)) learn(code >>> 16);
    return module.getStatusCodeFromCode(code);
  };
  const learn = (base: number) => {
    const value = (base << 16) >>> 0;
    const name = `0x${value.toString(16).toUpperCase().padStart(8, '0')}`;
    const status = new module.ConstantStatusCode({ name, value, description: 'a status of the vendor' });
    module._installStatusCodes({ [name]: status }, StatusCodes.Bad, coerceStatusCode);
    known.add(base);
  };
  module.decodeStatusCode = decode;
  const { findBuiltInType } = ofLibrary('node-opcua-factory') as { findBuiltInType: (name: string) => { decode: Decode } };
  findBuiltInType('StatusCode').decode = decode;
}
