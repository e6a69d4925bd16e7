import { type Command, InvalidArgumentError } from 'commander';
import { loadTools } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import type { ScanEvent, ScanOptions } from '../southbound/scan-tool.ts';
import { escapeControls } from './display-text.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { parseDuration } from './parse-duration.ts';

interface Options {
  readonly units?: readonly number[];
  readonly baudRates?: readonly number[];
  readonly parity?: ScanOptions['parities'];
  readonly timeout?: number;
  readonly ranges?: ScanOptions['ranges'] | true;
  readonly json?: boolean;
}

const HELP = `
Only reads, never writes. An exception is an answer: the unit is there. Ctrl-C stops it.

  fieldmarshal scan modbus-tcp://10.0.0.5
  fieldmarshal scan modbus-tcp://10.0.0.5:502 --units 1-20 --ranges
  fieldmarshal scan modbus-rtu:///dev/ttyUSB0
  fieldmarshal scan modbus-rtu:///dev/ttyUSB0 --baud-rates 9600 --parity even --units 1-32
  fieldmarshal scan modbus-rtu-over-tcp://10.0.0.6:4001
  fieldmarshal scan modbus-ascii:///dev/ttyUSB0
  fieldmarshal scan opc.tcp://10.0.0.7:4840

An OPC UA server, or a discovery server, is asked which servers there are, and each of them for its endpoints: policies, modes, users,
thumbprint and expiry of the certificate. Nobody is trusted by that.

On a serial line no other program may use the port, and no other master the line. Every combination of baud rate and parity is
tried, the likely first, until a unit answers: all units of one line speak alike.

Exit code: 0 something was found, 1 nothing.`;

/** Schemes that are not the name of their protocol. */
const PROTOCOLS: Readonly<Record<string, string>> = { 'opc.tcp': 'opcua' };

export function addScanCommand(program: Command, finish: Finish): void {
  program
    .command('scan')
    .description('find devices on a host or a line, before there is a mapping')
    .argument('<target>', 'e.g. modbus-tcp://10.0.0.5:502, modbus-rtu:///dev/ttyUSB0 or opc.tcp://10.0.0.7:4840')
    .option('--units <list>', 'unit numbers to ask, e.g. 1-32,40 (default: all; on TCP 1, 255 and 0 first)', parseUnits)
    .option('--baud-rates <list>', 'serial: baud rates to try, e.g. 9600,19200 (default: eight usual ones)', parseBaudRates)
    .option('--parity <list>', 'serial: parities to try: none, even, odd (default: all)', parseParities)
    .option('--timeout <duration>', 'longest wait for each answer (default: 500 ms; OPC UA 5 s)', parseDuration)
    .option('--ranges [from-to]', 'also find which addresses of each table can be read (default: 0-999)', parseRange)
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', HELP)
    .action(async (target: string, options: Options) => finish(await scan(target, options)));
}

const DEFAULT_RANGE = { from: 0, to: 999 };

async function scan(target: string, options: Options): Promise<ExitCode> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(target)?.[1];
  if (scheme === undefined) throw new GatewayError('USAGE', target, 'expected a target such as modbus-tcp://10.0.0.5:502');
  const tools = await loadTools(PROTOCOLS[scheme] ?? scheme);
  if (tools.scan === undefined) throw new GatewayError('USAGE', target, `${scheme} cannot be scanned`);
  const stop = new AbortController();
  const onSignal = () => stop.abort(new GatewayError('COMMAND_FAILED', target, 'stopped'));
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, onSignal);
  const context = { log: silentLog, clock: systemClock, gatewayId: 'fieldmarshal', stateDirectory: '' };
  let found = 0;
  try {
    for await (const event of tools.scan({ target, options: toScanOptions(options), context, signal: stop.signal })) {
      if (event.kind === 'found') found += 1;
      print(event, options.json === true);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.stderr.write(`stopped; ${found} found until then\n`);
  }
  return found > 0 ? EXIT.ok : EXIT.failed;
}

function toScanOptions({ units, baudRates, parity, timeout, ranges }: Options): ScanOptions {
  return {
    ...(units === undefined ? {} : { units }),
    ...(baudRates === undefined ? {} : { baudRates }),
    ...(parity === undefined ? {} : { parities: parity }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(ranges === undefined ? {} : { ranges: ranges === true ? DEFAULT_RANGE : ranges }),
  };
}

/** Findings go to standard output, what is told on the way to standard error. */
function print({ kind, text, data }: ScanEvent, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ kind, ...data })}\n`);
  else if (kind === 'found' || kind === 'range') process.stdout.write(`${escapeControls(text)}\n`);
  else process.stderr.write(`${escapeControls(text)}\n`);
}

const MAX_UNIT = 255;
const MAX_ADDRESS = 65_535;

function parseUnits(text: string): readonly number[] {
  const parts = text.split(',').map((part) => /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part.trim()));
  const units = parts.flatMap((part) => {
    const [from, to] = [Number(part?.[1]), Number(part?.[2] ?? part?.[1])];
    return from <= to && to <= MAX_UNIT ? Array.from({ length: to - from + 1 }, (_, index) => from + index) : [Number.NaN];
  });
  if (units.some(Number.isNaN)) throw new InvalidArgumentError('numbers from 0 to 255, e.g. 1-32,40.');
  return [...new Set(units)];
}

function parseBaudRates(text: string): readonly number[] {
  const rates = text.split(',').map(Number);
  if (rates.every((rate) => Number.isInteger(rate) && rate >= 300)) return rates;
  throw new InvalidArgumentError('baud rates, e.g. 9600,19200.');
}

function parseParities(text: string): NonNullable<ScanOptions['parities']> {
  const known = ['none', 'even', 'odd'] as const;
  const parities = text.split(',').map((word) => known.find((parity) => parity === word.trim()));
  if (parities.includes(undefined)) throw new InvalidArgumentError('none, even or odd.');
  return parities.filter((parity) => parity !== undefined);
}

function parseRange(text: string): { readonly from: number; readonly to: number } {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  if (range.from <= range.to && range.to <= MAX_ADDRESS) return range;
  throw new InvalidArgumentError('two addresses counted from 0, e.g. 0-9999.');
}
