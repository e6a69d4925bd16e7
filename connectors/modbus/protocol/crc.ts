/** CRC-16 of Modbus RTU: start 0xFFFF, reflected polynomial 0xA001; the low byte goes first. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) crc = (crc >> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return crc;
}

/** Unit and PDU, with their CRC behind them. */
export function withCrc(frame: Uint8Array): Buffer {
  const complete = Buffer.concat([frame], frame.length + 2);
  complete.writeUInt16LE(crc16(frame), frame.length);
  return complete;
}

export function hasValidCrc(frame: Buffer): boolean {
  return frame.length >= 4 && frame.readUInt16LE(frame.length - 2) === crc16(frame.subarray(0, -2));
}

export function withoutCrc(frame: Buffer): Buffer {
  return frame.subarray(0, -2);
}
