import type { ModbusMemory } from '../../../src/simulator/modbus-memory.ts';

/** What a request (PDU) does to a device, from the standard: an answer to whoever asks whether a mutated one was obeyed. */
export function applyWrite({ coil, holding }: ModbusMemory, pdu: Buffer): void {
  const word = (at: number) => (at + 2 <= pdu.length ? pdu.readUInt16BE(at) : Number.NaN);
  const isWhole = (first: number, count: number, max: number, countAt: number, bytes: number) =>
    count >= 1 && count <= max && first + count <= 65_536 && pdu[countAt] === bytes && pdu.length === countAt + 1 + bytes;
  switch (pdu[0]) {
    case 5:
      if (pdu.length === 5 && [0, 0xff00].includes(word(3))) coil[word(1)] = word(3) === 0 ? 0 : 1;
      return;
    case 6:
      if (pdu.length === 5) holding[word(1)] = word(3);
      return;
    case 15:
      if (!isWhole(word(1), word(3), 1_968, 5, Math.ceil(word(3) / 8))) return;
      for (let index = 0; index < word(3); index += 1) coil[word(1) + index] = ((pdu[6 + (index >> 3)] ?? 0) >> (index & 7)) & 1;
      return;
    case 16:
      if (isWhole(word(1), word(3), 123, 5, 2 * word(3))) writeWords(holding, word(1), pdu.subarray(6));
      return;
    case 22:
      if (pdu.length === 7) holding[word(1)] = ((holding[word(1)] ?? 0) & word(3)) | (word(5) & ~word(3));
      return;
    case 23: {
      const isReadable = word(3) >= 1 && word(3) <= 125 && word(1) + word(3) <= 65_536;
      if (isReadable && isWhole(word(5), word(7), 121, 9, 2 * word(7))) writeWords(holding, word(5), pdu.subarray(10));
      return;
    }
  }
}

function writeWords(holding: Uint16Array, first: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += 2) holding[first + at / 2] = bytes.readUInt16BE(at);
}
