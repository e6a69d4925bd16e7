import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tellReady } from '../harness/child.ts';

/** So many Modbus TCP servers whose float32 registers have other values at each read; what is written is confirmed and forgotten. */
const channels = Number(process.argv[2]);
const HEADER_BYTES = 6;
const VALUES = 50_000;

const floats = Buffer.alloc(4 * VALUES);
for (let index = 0; index < VALUES; index += 1) floats.writeFloatBE(Math.round(Math.random() * 100_000) / 100, 4 * index);
let reads = 0;

function answer(request: Buffer): Buffer {
  if (request[7] !== 3) return confirm(request);
  const bytes = 2 * request.readUInt16BE(10);
  const adu = Buffer.allocUnsafe(9 + bytes);
  request.copy(adu, 0, 0, 4);
  adu.writeUInt16BE(3 + bytes, 4);
  request.copy(adu, 6, 6, 8);
  adu[8] = bytes;
  reads += 1;
  const from = 4 * ((reads * 61) % (VALUES - 63));
  floats.copy(adu, 9, from, from + bytes);
  return adu;
}

function confirm(request: Buffer): Buffer {
  const adu = Buffer.from(request.subarray(0, 12));
  adu.writeUInt16BE(HEADER_BYTES, 4);
  return adu;
}

function serve(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUInt16BE(4)) {
      const end = HEADER_BYTES + rest.readUInt16BE(4);
      socket.write(answer(rest.subarray(0, end)));
      rest = rest.subarray(end);
    }
  });
}

const ports: number[] = [];
for (let channel = 0; channel < channels; channel += 1) {
  const server = createServer({ noDelay: true }, serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ports.push((server.address() as AddressInfo).port);
}
tellReady({ ports });
