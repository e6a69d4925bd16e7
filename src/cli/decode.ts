import { type Command, InvalidArgumentError } from 'commander';
import { openConnector } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import type { GatewayPlan, PointPlan } from '../model/plan.ts';
import { toJsonValue } from '../pipeline/latest-readings.ts';
import { operators } from '../pipeline/operators/index.ts';
import { engineer } from '../pipeline/pipeline.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { type DecodedRow, type Decoding, PLAUSIBLE_RULES } from '../southbound/decode-tool.ts';
import { escapeControls } from './display-text.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { type EquippedConnection, loadMappingTools } from './load-tools.ts';

const DEADLINE_MS = 30_000;

interface Options {
  readonly json?: boolean;
  readonly row?: number;
  readonly shift?: number;
  readonly plausible?: boolean;
}

export function addDecodeCommand(program: Command, finish: Finish): void {
  program
    .command('decode')
    .description('show one point in every type, word order and byte order, and mark what is plausible (Modbus)')
    .argument('<mapping>', 'a mapping file')
    .argument('<point>', 'name of the point, as `power` or `meter-1/power`')
    .option('--row <number>', 'print the lines for the mapping of this row, not of the most likely one', wholeNumber)
    .option('--shift <registers>', 'begin so many registers further on, e.g. 1 or -1: lists count from 0 or from 1', wholeNumber)
    .option('--plausible', 'show only what is plausible')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nReads the registers around the point once; writes nothing.\n\nPlausible (marked *) are\n${rules()}`)
    .action(async (mapping: string, point: string, options: Options) => finish(await decode(mapping, point, options)));
}

function rules(): string {
  return PLAUSIBLE_RULES.map((rule) => `  - ${rule}`).join('\n');
}

function wholeNumber(text: string): number {
  if (!/^[+-]?\d{1,5}$/.test(text)) throw new InvalidArgumentError('a whole number.');
  return Number(text);
}

async function decode(mapping: string, wanted: string, options: Options): Promise<ExitCode> {
  const equipped = await loadMappingTools(mapping);
  if (equipped === undefined) return EXIT.config;
  const { connection, point } = findPoint(equipped.connections, wanted);
  const decoding = await decodePoint(equipped.plan, connection, point, options.shift ?? 0);
  const row = options.row ?? decoding.best;
  const chosen = decoding.rows.find(({ number }) => number === row);
  if (options.row !== undefined && chosen === undefined)
    throw new GatewayError('USAGE', wanted, `there is no row ${options.row}; there are 1 to ${decoding.rows.length}`);
  const printed = options.json === true ? toJson(point, decoding) : format(point, decoding, chosen, options.plausible === true);
  process.stdout.write(printed);
  return EXIT.ok;
}

function findPoint(connections: readonly EquippedConnection[], wanted: string) {
  const places = connections.flatMap((connection) =>
    connection.connection.devices.flatMap(({ points }) => points.map((point) => ({ connection, point }))),
  );
  const found = places.filter(({ point: { point } }) => wanted === point.name || wanted === point.id);
  const [place] = found;
  if (place !== undefined) return place;
  const names = [...new Set(places.map(({ point }) => point.point.name))].join(', ');
  throw new GatewayError('USAGE', wanted, `there is no such point; the mapping has ${names}`);
}

async function decodePoint(
  plan: GatewayPlan,
  { connection, tools }: EquippedConnection,
  point: PointPlan,
  shift: number,
): Promise<Decoding> {
  if (tools.decode === undefined)
    throw new GatewayError('USAGE', point.point.id, `${connection.protocol} tells the types of its points itself`);
  const context = { log: silentLog, clock: systemClock, stateDirectory: plan.stateDirectory };
  const connector = await openConnector(connection, plan.gateway.id, context);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const session = await connector.open(signal);
  try {
    return await tools.decode({ session, connection, point, shift, isInRange: rangeOf(point), signal });
  } finally {
    await session.close();
  }
}

/** The mapping's own operators say it: what `range` makes uncertain is outside. */
function rangeOf(point: PointPlan): (value: DecodedRow['value']) => boolean | undefined {
  if (point.keys.range === undefined) return () => undefined;
  return (value) =>
    engineer(operators, point, { point: point.point, value, quality: 'good', sourceTimeMs: 0 }).quality === 'good';
}

function toJson({ point }: PointPlan, decoding: Decoding): string {
  const rows = decoding.rows.map((row) => ({ ...row, value: toJsonValue(row.value) }));
  return `${JSON.stringify({ point: point.id, ...decoding, rows }, null, 2)}\n`;
}

function format({ point }: PointPlan, decoding: Decoding, chosen: DecodedRow | undefined, onlyPlausible: boolean): string {
  const registers = decoding.registers.map(({ at, hex }) => `${at === decoding.place ? '>' : ' '} ${at}  ${hex}\n`).join('');
  const rows = decoding.rows.filter(({ isPlausible }) => isPlausible || !onlyPlausible);
  const advice =
    chosen === undefined
      ? 'Nothing is plausible here: try `--shift 1` or `--shift -1`, or another address.\n'
      : `Row ${chosen.number} in the mapping:\n\n${chosen.lines.map((line) => `  ${line}\n`).join('')}`;
  return `${point.id}, ${decoding.place}\n\n${registers}\n${formatRows(rows)}\n${advice}`;
}

function formatRows(rows: readonly DecodedRow[]): string {
  const header = ['', 'row', 'type', 'order', 'registers', 'value', 'why'];
  const cells = rows.map((row) => [
    row.isPlausible ? '*' : '',
    String(row.number),
    [row.type, row.encoding, row.format].filter((word) => word !== undefined).join(' '),
    row.order,
    row.registers,
    row.value === null ? '–' : escapeControls(String(row.value)),
    row.reason,
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return [header, ...cells].map((row) => `${line(row).trimEnd()}\n`).join('');
}
