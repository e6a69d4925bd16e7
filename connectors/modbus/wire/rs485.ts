import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { GatewayError } from '../../../src/model/error.ts';
import type { SerialSettings } from '../mapping/settings.ts';

/**
 * RS-485 mode of the kernel (Documentation/driver-api/serial/serial-rs485.rst): the driver of the UART switches the transceiver by
 * RTS, exactly with the last bit. Neither Node nor serialport can issue the request TIOCSRS485, and switching RTS from here would
 * be milliseconds late. So a few lines of Perl (part of every Debian) or Python issue it, on the open port that they inherit.
 */
export type Rs485 = NonNullable<SerialSettings['rs485']>;

/** `linux/serial.h`: flags of `struct serial_rs485`. */
const ENABLED = 1 << 0;
const RTS_ON_SEND = 1 << 1;
const RTS_AFTER_SEND = 1 << 2;
const RX_DURING_TX = 1 << 4;

/** Descriptor 3 is the port, the arguments are flags and delays. They print what the driver made of them, or the error number. */
const PERL = `open(my $p, "+<&=", 3) or die "$!\\n"; my $s = pack("L8", @ARGV, (0) x 5);
ioctl($p, 0x542F, $s) && ioctl($p, 0x542E, $s) or do { print "error ", 0 + $!, "\\n"; exit };
print join(" ", unpack("L3", $s)), "\\n";`;
const PYTHON = `import fcntl, struct, sys
s = struct.pack("8I", *map(int, sys.argv[1:4]), 0, 0, 0, 0, 0)
try:
    fcntl.ioctl(3, 0x542F, s); print(*struct.unpack("8I", fcntl.ioctl(3, 0x542E, s))[:3])
except OSError as e: print("error", e.errno)`;
const HELPERS: readonly (readonly [program: string, flag: string, script: string])[] = [
  ['perl', '-e', PERL],
  ['python3', '-c', PYTHON],
];

const ENOTTY = 25;
const WITHIN_MS = 5_000;

/** Rejects with LINK_REFUSED where the driver of the port has no such mode, or did not take what was asked. */
export async function enableRs485(
  descriptor: number,
  rs485: Rs485,
  { name, path }: { name: string; path: string },
): Promise<void> {
  const wanted = [flagsOf(rs485), rs485.delayBeforeSend, rs485.delayAfterSend] as const;
  const answer = await runHelper(descriptor, wanted.map(String));
  const problem = answer === undefined ? 'neither perl nor python3 is there to switch it on' : explain(answer, wanted);
  if (problem === undefined) return;
  throw new GatewayError('LINK_REFUSED', name, `${path} has no RS-485 mode: ${problem}`);
}

export function flagsOf({ rtsOnSend, receiveWhileSending }: Rs485): number {
  const level = rtsOnSend === 'high' ? RTS_ON_SEND : RTS_AFTER_SEND;
  return ENABLED | level | (receiveWhileSending ? RX_DURING_TX : 0);
}

function explain(answer: string, [flags, before, after]: readonly [number, number, number]): string | undefined {
  const errno = /^error (\d+)/.exec(answer)?.[1];
  if (Number(errno) === ENOTTY) return 'its driver does not know it (most USB adapters switch by themselves: leave `rs485` out)';
  if (errno !== undefined) return `its driver refused the settings (error ${errno})`;
  const made = answer.trim().split(' ').map(Number);
  if (made[0] === flags && made[1] === before && made[2] === after) return undefined;
  return `asked for flags ${flags}, delays ${before} and ${after} ms, its driver made ${answer.trim() || 'nothing'} of it`;
}

/** What the first helper that is there printed. */
async function runHelper(descriptor: number, values: readonly string[]): Promise<string | undefined> {
  for (const [program, flag, script] of HELPERS) {
    const child = spawn(program, [flag, script, ...values], {
      stdio: ['ignore', 'pipe', 'ignore', descriptor],
      timeout: WITHIN_MS,
    });
    const isThere = new Promise<boolean>((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false));
    });
    if ((await isThere) && child.stdout !== null) return text(child.stdout);
  }
  return undefined;
}
