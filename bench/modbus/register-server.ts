import { createServer } from 'node:net';
import { tellReady } from '../harness/child.ts';

/**
 * A Modbus TCP server that does as little as one can: each request, whatever it asks, is answered with 125 registers that hold
 * their own address. So the clients are what is measured.
 */
const REQUEST_BYTES = 12;
const REGISTERS = 125;
const ANSWER_BYTES = 9 + 2 * REGISTERS;

const ANSWER = Buffer.alloc(ANSWER_BYTES);
ANSWER.writeUInt16BE(3 + 2 * REGISTERS, 4);
ANSWER.set([1, 3, 2 * REGISTERS], 6);
for (let register = 0; register < REGISTERS; register += 1) ANSWER.writeUInt16BE(register, 9 + 2 * register);

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    for (let at = 0; at + REQUEST_BYTES <= bytes.length; at += REQUEST_BYTES) {
      const answer = Buffer.from(ANSWER);
      bytes.copy(answer, 0, at, at + 2);
      socket.write(answer);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  tellReady({ port: typeof address === 'object' ? address?.port : 0 });
});
