/** Modbus Application Protocol V1.1b3, section 7. */
export const EXCEPTION = { illegalFunction: 1, illegalAddress: 2, illegalValue: 3, targetSilent: 11 } as const;

export function exceptionPdu(functionCode: number, code: number): Buffer {
  return Buffer.of(functionCode | 0x80, code);
}
