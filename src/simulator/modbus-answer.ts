import type { SimulatedModbusDevice } from './modbus-device.ts';
import { EXCEPTION, exceptionPdu } from './modbus-exception.ts';
import type { Fault } from './modbus-faults.ts';

/** The answer PDU of a unit that suffers from `fault`; `undefined`: it says nothing. */
export function answerPdu(device: SimulatedModbusDevice, pdu: Buffer, fault: Fault | undefined): Buffer | undefined {
  if (fault?.kind === 'silent') return undefined;
  if (fault?.kind === 'exception') return exceptionPdu(pdu[0] ?? 0, fault.code);
  const answer = device.answer(pdu);
  switch (fault?.kind) {
    case 'lost':
      return undefined;
    case 'short':
      return resize(answer, -unitBytes(answer));
    case 'long':
      return resize(answer, unitBytes(answer));
    case 'lying-count':
      return isRead(answer) ? Buffer.concat([answer.subarray(0, 1), Buffer.of(fault.count), answer.subarray(2)]) : answer;
    case 'wrong-function':
      return Buffer.concat([Buffer.of((answer[0] ?? 0) ^ 0x07), answer.subarray(1)]);
    case 'altered':
      return Buffer.concat([answer.subarray(0, -1), Buffer.of((answer.at(-1) ?? 0) ^ 0x01)]);
    default:
      return answer;
  }
}

/** What a converter says of a unit that is not there. */
export function absentUnitPdu(pdu: Buffer): Buffer {
  return exceptionPdu(pdu[0] ?? 0, EXCEPTION.targetSilent);
}

/** Bytes of one register or of eight bits. */
function unitBytes([functionCode = 0]: Buffer): number {
  return functionCode <= 2 ? 1 : 2;
}

/** An answer with a byte count before its data. */
function isRead([functionCode = 0]: Buffer): boolean {
  return (functionCode >= 1 && functionCode <= 4) || functionCode === 23;
}

/** Adds or takes away bytes at the end of a read answer, with a byte count that says so. */
function resize(answer: Buffer, bytes: number): Buffer {
  const [functionCode = 0, count = 0] = answer;
  if (!isRead(answer)) return bytes < 0 ? answer.subarray(0, bytes) : Buffer.concat([answer, Buffer.alloc(bytes)]);
  const body = bytes < 0 ? answer.subarray(2, bytes) : Buffer.concat([answer.subarray(2), Buffer.alloc(bytes)]);
  return Buffer.concat([Buffer.of(functionCode, count + bytes), body]);
}
