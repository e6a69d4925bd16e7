/** CRC-16/MODBUS: Modbus over Serial Line V1.02, section 2.5.1.2 and appendix B. Goes onto the wire low byte first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

export function withCrc(frame: Buffer): Buffer {
  const crc = crc16(frame);
  return Buffer.concat([frame, Buffer.of(crc & 0xff, crc >>> 8)]);
}

export function hasGoodCrc(frame: Buffer): boolean {
  return frame.length >= 4 && crc16(frame.subarray(0, -2)) === frame.readUInt16LE(frame.length - 2);
}
