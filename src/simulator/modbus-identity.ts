import { EXCEPTION } from './modbus-exception.ts';

/**
 * Device identification: function 43, MEI type 14 (Modbus Application Protocol V1.1b3, section 6.21). Objects 0 to 2 are basic,
 * up to 127 regular, from 128 on extended; a text may be any bytes.
 */
export type ModbusIdentity = ReadonlyMap<number, string>;

export const SIMULATED_IDENTITY: ModbusIdentity = new Map([
  [0, 'Fieldmarshal'],
  [1, 'SIM'],
  [2, '1.0'],
  [3, 'https://fieldmarshal.example'],
  [4, 'Simulated unit'],
  [5, 'SIM-1'],
  [6, 'simulated plant'],
]);

const MEI_TYPE = 0x0e;
const ONE_OBJECT = 4;
/** The last object of what code 1, 2 and 3 ask for. */
const LAST_OBJECT: Readonly<Record<number, number>> = { 1: 2, 2: 127, 3: 255 };
/** What fits behind function code and header into a PDU of 253 bytes. */
const MAX_OBJECT_BYTES = 253 - 7;

/** The data of the answer behind the function code, or an exception code. */
export function identify(identity: ModbusIdentity, data: Buffer): Buffer | number {
  if (data.length !== 3 || data.readUInt8(0) !== MEI_TYPE) return EXCEPTION.illegalFunction;
  const [code, objectId] = [data.readUInt8(1), data.readUInt8(2)];
  if (code === ONE_OBJECT) return identifyOne(identity, objectId);
  const last = LAST_OBJECT[code];
  if (last === undefined) return EXCEPTION.illegalValue;
  const ids = [...identity.keys()].filter((id) => id <= last).toSorted((a, b) => a - b);
  // An object that is not there: from the first one on.
  const wanted = ids.includes(objectId) ? ids.slice(ids.indexOf(objectId)) : ids;
  return answerOf(identity, code, wanted);
}

function identifyOne(identity: ModbusIdentity, id: number): Buffer | number {
  return identity.has(id) ? answerOf(identity, ONE_OBJECT, [id]) : EXCEPTION.illegalAddress;
}

/** As many objects as there is room for; where there are more, the answer says with which to go on. */
function answerOf(identity: ModbusIdentity, code: number, ids: readonly number[]): Buffer {
  const objects: Buffer[] = [];
  let roomBytes = MAX_OBJECT_BYTES;
  for (const id of ids) {
    const object = objectOf(id, identity.get(id) ?? '');
    if (object.length > roomBytes) break;
    objects.push(object);
    roomBytes -= object.length;
  }
  const next = ids[objects.length];
  const more = next === undefined ? [0, 0] : [0xff, next];
  return Buffer.concat([Buffer.of(MEI_TYPE, code, conformity(identity), ...more, objects.length), ...objects]);
}

function objectOf(id: number, text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8').subarray(0, MAX_OBJECT_BYTES - 2);
  return Buffer.concat([Buffer.of(id, bytes.length), bytes]);
}

/** The highest kind of object that is there, and that each can be asked for by itself. */
function conformity(identity: ModbusIdentity): number {
  const last = Math.max(...identity.keys());
  return 0x80 | (last > 127 ? 3 : last > 2 ? 2 : 1);
}
