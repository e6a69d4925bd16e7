import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { type Fault, FaultSwitch } from '../../src/simulator/modbus-faults.ts';
import { startModbusLineServer } from '../../src/simulator/modbus-line.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import type { TcpServer } from '../../src/simulator/tcp-server.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

async function open(server: TcpServer): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** What came until so many bytes were there. */
async function receive(socket: Socket, length: number): Promise<Buffer> {
  let received = Buffer.alloc(0);
  while (received.length < length) {
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, bytes]);
  }
  return received;
}

/** Asks for holding registers 10 and 11 and compares the whole answer. */
async function ask(socket: Socket, request: string, answer: string): Promise<void> {
  socket.write(hex(request));
  const expected = hex(answer);
  assert.deepEqual(await receive(socket, expected.length), expected);
}

const READ_TCP = '00 01 00 00 00 06 01 03 00 0A 00 02';
const GOOD_TCP = '00 01 00 00 00 07 01 03 04 00 0A 00 0B';
const NEXT_READ_TCP = '00 02 00 00 00 06 01 03 00 14 00 01';
const NEXT_GOOD_TCP = '00 02 00 00 00 05 01 03 02 00 14';

describe('simulated Modbus TCP server', () => {
  let server: ModbusTcpServer;
  let socket: Socket;
  let device: SimulatedModbusDevice;

  beforeEach(async () => {
    device = new SimulatedModbusDevice();
    server = await startModbusTcpServer({ port: 0, units: new Map([[1, device]]) });
    socket = await open(server);
  });

  afterEach(async () => {
    socket.destroy();
    await server.close();
  });

  it('answers the example of the specification', () =>
    ask(socket, '00 01 00 00 00 06 01 03 00 00 00 02', '00 01 00 00 00 07 01 03 04 00 00 00 01'));

  it('answers an exception in its own frame', () =>
    ask(socket, '00 01 00 00 00 06 01 03 FF FF 00 02', '00 01 00 00 00 03 01 83 02'));

  it('answers exception 11 for a unit that it does not have', () =>
    ask(socket, '00 01 00 00 00 06 07 03 00 00 00 01', '00 01 00 00 00 03 07 83 0B'));

  it('answers requests that come glued together, in order', () =>
    ask(socket, READ_TCP + NEXT_READ_TCP, GOOD_TCP + NEXT_GOOD_TCP));

  for (const [fault, answer] of [
    [{ kind: 'short' }, '00 01 00 00 00 05 01 03 02 00 0A'],
    [{ kind: 'long' }, '00 01 00 00 00 09 01 03 06 00 0A 00 0B 00 00'],
    [{ kind: 'wrong-unit' }, '00 01 00 00 00 07 11 03 04 00 0A 00 0B'],
    [{ kind: 'wrong-function' }, '00 01 00 00 00 07 01 04 04 00 0A 00 0B'],
    [{ kind: 'wrong-transaction' }, '55 54 00 00 00 07 01 03 04 00 0A 00 0B'],
    [{ kind: 'wrong-protocol' }, '00 01 00 01 00 07 01 03 04 00 0A 00 0B'],
    [{ kind: 'lying-length', length: 65_535 }, '00 01 00 00 FF FF 01 03 04 00 0A 00 0B'],
    [{ kind: 'altered' }, '00 01 00 00 00 07 01 03 04 00 0A 00 0A'],
    [{ kind: 'exception', code: 6 }, '00 01 00 00 00 03 01 83 06'],
    [{ kind: 'duplicate' }, GOOD_TCP + GOOD_TCP],
    [{ kind: 'cut', bytes: 3 }, '00 01 00 00 00 07 01 03 04 00'],
    [{ kind: 'noise', where: 'before', bytes: hex('EE') }, `EE${GOOD_TCP}`],
    [{ kind: 'noise', where: 'inside', bytes: hex('EE') }, '00 01 00 00 00 07 EE 01 03 04 00 0A 00 0B'],
    [{ kind: 'noise', where: 'after', bytes: hex('EE') }, `${GOOD_TCP}EE`],
    [{ kind: 'bytewise', gapMs: 1 }, GOOD_TCP],
    [{ kind: 'late', ms: 5 }, GOOD_TCP],
    [{ kind: 'lying-count', count: 9 }, '00 01 00 00 00 07 01 03 09 00 0A 00 0B'],
    [{ kind: 'duplicate', afterMs: 2 }, GOOD_TCP + GOOD_TCP],
    [{ kind: 'echo' }, READ_TCP],
    [{ kind: 'babble', ms: 6 }, '00 FF 55 AA 01 00 FF 55 AA 01'],
    [{ kind: 'wrong-speed' }, '00 00 03 00 00 00 00 00 00 00 3F 00 03 00 0F 00 30 00 00 00 CC 00 00 00 CF 00'],
  ] as const satisfies readonly (readonly [Fault, string])[]) {
    it(`suffers from ${JSON.stringify(fault)} once and is well again`, async () => {
      server.faults.add(fault, { times: 1 });
      await ask(socket, READ_TCP, answer);
      await ask(socket, NEXT_READ_TCP, NEXT_GOOD_TCP);
    });
  }

  it('keeps an answer back and sends it in one piece with the next', async () => {
    server.faults.add({ kind: 'glued' }, { times: 1 });
    socket.write(hex(READ_TCP));
    socket.write(hex(NEXT_READ_TCP));
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    assert.deepEqual(bytes, hex(GOOD_TCP + NEXT_GOOD_TCP));
  });

  it('ends the connection in place of an answer', async () => {
    server.faults.add({ kind: 'ended' });
    socket.write(hex(READ_TCP));
    socket.resume();
    await once(socket, 'end');
  });

  it('is gone without a word when half open, while others are served', async () => {
    server.faults.add({ kind: 'half-open' }, { times: 1 });
    socket.write(hex(READ_TCP + NEXT_READ_TCP));
    const other = await open(server);
    await ask(other, READ_TCP, GOOD_TCP);
    other.destroy();
    assert.deepEqual([socket.bytesRead, socket.readyState, device.requestCount], [0, 'open', 1]);
  });

  it('says nothing when silent, and has not seen the request', async () => {
    server.faults.add({ kind: 'silent' }, { times: 1 });
    await ask(socket, `00 01 00 00 00 06 01 06 00 0A 00 63${NEXT_READ_TCP}`, NEXT_GOOD_TCP);
    assert.equal(device.memory.holding[10], 10);
  });

  it('writes although the answer is lost', async () => {
    server.faults.add({ kind: 'lost' }, { functions: [6] });
    await ask(socket, `00 01 00 00 00 06 01 06 00 0A 00 63${NEXT_READ_TCP}`, NEXT_GOOD_TCP);
    assert.equal(device.memory.holding[10], 99);
  });

  it('floods after the answer', async () => {
    server.faults.add({ kind: 'flood', bytes: 100_000 });
    socket.write(hex(READ_TCP));
    assert.equal((await receive(socket, 100_013)).length, 100_013);
  });

  it('resets the connection in place of an answer', async () => {
    server.faults.add({ kind: 'reset' });
    socket.write(hex(READ_TCP));
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });

  it('takes no more connections than it is said to', async () => {
    const narrow = await startModbusTcpServer({ port: 0, units: new Map([[1, device]]), maxConnections: 1 });
    const first = await open(narrow);
    const second = connect(narrow.port, '127.0.0.1');
    const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    await ask(first, READ_TCP, GOOD_TCP);
    first.destroy();
    await narrow.close();
  });

  it('refuses connections while it is down and takes them on the same port when it is up', async () => {
    socket.on('error', () => {});
    await server.down();
    await assert.rejects(open(server), { code: 'ECONNREFUSED' });
    await server.up();
    const again = await open(server);
    await ask(again, READ_TCP, GOOD_TCP);
    again.destroy();
  });
});

describe('simulated Modbus RTU units', () => {
  const READ = '01 03 00 0A 00 01 A4 08';
  const GOOD = '01 03 02 00 0A 38 43';

  async function withLine(work: (socket: Socket, faults: FaultSwitch) => Promise<void>): Promise<void> {
    const units = new Map([1, 2].map((unit) => [unit, new SimulatedModbusDevice()]));
    const server = await startModbusLineServer({ port: 0, units });
    const socket = await open(server);
    try {
      await work(socket, server.faults);
    } finally {
      socket.destroy();
      await server.close();
    }
  }

  it('answers byte by byte as the standard says', () => withLine((socket) => ask(socket, READ, GOOD)));

  it('sends a wrong CRC on demand', () =>
    withLine(async (socket, faults) => {
      faults.add({ kind: 'bad-crc' }, { unit: 1, times: 1 });
      await ask(socket, READ, '01 03 02 00 0A 38 BC');
      await ask(socket, READ, GOOD);
    }));

  it('leaves the other unit of the line unharmed', () =>
    withLine(async (socket, faults) => {
      faults.add({ kind: 'silent' }, { unit: 2 });
      await ask(socket, `02 03 00 0A 00 01 A4 3B${READ}`, GOOD);
    }));

  for (const [fault, answer] of [
    [{ kind: 'second-master' }, `F1 03 00 00 00 01 90 FA F1 03 02 DE AD 60 4C ${GOOD}`],
    [{ kind: 'collision' }, '01 03 00 00 00 00 00'],
    [{ kind: 'echo' }, READ],
  ] as const satisfies readonly (readonly [Fault, string])[]) {
    it(`suffers from ${fault.kind} once and is well again`, () =>
      withLine(async (socket, faults) => {
        faults.add(fault, { times: 1 });
        await ask(socket, READ, answer);
        await ask(socket, READ, GOOD);
      }));
  }

  it('masks, reads and writes in one request, and identifies itself', () =>
    withLine(async (socket) => {
      await ask(socket, '01 16 00 04 00 F2 00 25 67 EE', '01 16 00 04 00 F2 00 25 67 EE');
      await ask(socket, '01 17 00 00 00 01 00 01 00 01 02 12 34 58 08', '01 17 02 00 00 BD B4');
      await ask(socket, '01 2B 0E 04 01 B2 E7', '01 2B 0E 04 82 00 00 01 01 03 53 49 4D 53 74');
    }));

  it('does not answer a request whose CRC is wrong', () =>
    withLine(async (socket) => {
      socket.write(hex('01 03 00 0A 00 01 00 00'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await ask(socket, READ, GOOD);
    }));

  it('obeys a broadcast without an answer', () =>
    withLine((socket) => ask(socket, `00 06 00 0A 00 07 E9 DB${READ}`, '01 03 02 00 07 F9 86')));
});

describe('fault switch', () => {
  it('lets requests through first when asked to', () => {
    const faults = new FaultSwitch();
    faults.add({ kind: 'silent' }, { after: 2, times: 1 });
    const met = Array.from({ length: 4 }, () => faults.next(1, 3)?.kind);
    assert.deepEqual(met, [undefined, undefined, 'silent', undefined]);
  });

  it('hits every so-manieth when asked to', () => {
    const faults = new FaultSwitch();
    faults.add({ kind: 'lost' }, { after: 1, every: 3, times: 2 });
    const met = Array.from({ length: 12 }, () => faults.next(1, 3)?.kind === 'lost');
    assert.deepEqual(
      met.flatMap((isHit, index) => (isHit ? [index] : [])),
      [3, 6],
    );
  });

  it('hits only the unit and the functions it was set for', () => {
    const faults = new FaultSwitch();
    faults.add({ kind: 'lost' }, { unit: 2, functions: [6, 16] });
    assert.equal(faults.next(1, 6), undefined);
    assert.equal(faults.next(2, 3), undefined);
    assert.deepEqual(faults.next(2, 16), { kind: 'lost' });
  });

  it('is well again when a fault is taken away', () => {
    const faults = new FaultSwitch();
    const mend = faults.add({ kind: 'silent' });
    mend();
    assert.equal(faults.next(1, 3), undefined);
  });
});
