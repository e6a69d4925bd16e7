import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { listFiles } from '../audit/audit-files.ts';
import { type AuditLine, type AuditPlace, piecesOf } from '../audit/audit-line.ts';
import { type AuditBreak, type AuditProof, verifyAudit } from '../audit/verify-audit.ts';
import { loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { auditChains, auditDirectory } from '../gateway/audit.ts';
import { declarations } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import { type ConfigOption, configPath, takesConfig } from './config-path.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';

interface AuditOptions extends ConfigOption {
  readonly directory?: string;
  readonly json?: boolean;
  readonly head?: string;
  readonly kind?: string;
  readonly last?: string;
}

type Look = (directories: readonly string[], options: AuditOptions) => Promise<ExitCode>;

export function addAuditCommand(program: Command, finish: Finish): void {
  const audit = program
    .command('audit')
    .description('look into the log of commands and of who came, whether a gateway writes it or not; changes nothing');
  const add = (name: string, description: string, look: Look): Command =>
    takesConfig(audit.command(name).description(description))
      .option('-d, --directory <path>', 'the directory of the log itself, e.g. of a copy')
      .option('--json', 'print JSON')
      .action(async (path: string | undefined, options: AuditOptions) => finish(await open(path, options, look)));
  add('verify', 'prove that no line was changed, left out or moved, or name the place; exit code 1 where any was', verify).option(
    '--head <place>',
    'a line that is known from elsewhere, as an event in the cloud tells it: <sequence>:<hash>',
  );
  add('show', 'print the entries, oldest first', show)
    .option('--kind <kind>', 'only those of a kind, e.g. command')
    .option('--last <count>', 'only so many, the newest');
}

async function open(path: string | undefined, options: AuditOptions, look: Look): Promise<ExitCode> {
  const config = configPath(path, options);
  if (options.directory !== undefined) return look(await chainsIn(options.directory), options);
  const { plan, problems } = await loadConfiguration(config, declarations);
  process.stderr.write(formatProblems(problems));
  return plan === undefined ? EXIT.config : look(await chainsIn(auditDirectory(plan.stateDirectory)), options);
}

/** That of the gateway first; that of the command line where there is one. A log that is not there must not pass for one that is whole. */
async function chainsIn(directory: string): Promise<readonly string[]> {
  const isDirectory = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory)
    throw new GatewayError(
      'AUDIT_MISSING',
      directory,
      'there is no log: a gateway begins one when it first starts; its disk may not be mounted',
    );
  const [own = directory, ...others] = auditChains(directory);
  const isThere = await Promise.all(others.map(async (other) => (await listFiles(other)).length > 0));
  return [own, ...others.filter((_, index) => isThere[index])];
}

async function verify([own = '', ...others]: readonly string[], { json, head }: AuditOptions): Promise<ExitCode> {
  const proof = await verifyAudit(own, head === undefined ? {} : { known: parsePlace(head) });
  const proofs = [proof, ...(await Promise.all(others.map((directory) => verifyAudit(directory))))];
  const [, commandLine] = proofs;
  if (json === true)
    process.stdout.write(`${JSON.stringify(commandLine === undefined ? proof : { ...proof, commandLine }, null, 2)}\n`);
  else for (const [index, each] of proofs.entries()) process.stdout.write(format([own, ...others][index] ?? own, each));
  return proofs.every(({ isSound }) => isSound) ? EXIT.ok : EXIT.failed;
}

function parsePlace(text: string): AuditPlace {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || hash === undefined) {
    throw new GatewayError('USAGE', text, 'expected the number of a line and its hash, `<sequence>:<64 hexadecimal digits>`');
  }
  return { sequence: Number(sequence), hash };
}

function format(directory: string, { isSound, entries, files, first, last, breaks, notes }: AuditProof): string {
  const span = first === undefined || last === undefined ? '' : `, ${placeOf(first)} to ${placeOf(last)}`;
  const lines = [
    `${directory}: ${entries} entries in ${files} files${span}`,
    ...notes.map((note) => `note: ${formatBreak(note)}`),
    ...breaks.map((each) => `broken: ${formatBreak(each)}`),
    isSound ? `the chain is whole${last === undefined ? '' : `; head ${last.sequence}:${last.hash}`}` : 'the chain is broken',
  ];
  return `${lines.join('\n')}\n`;
}

function placeOf({ sequence, time }: AuditLine): string {
  return `${sequence} (${time})`;
}

function formatBreak({ file, line, message }: AuditBreak): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`;
}

/** Of all chains in the order of time. */
async function show(directories: readonly string[], { json, kind, last }: AuditOptions): Promise<ExitCode> {
  const count = last === undefined ? Number.POSITIVE_INFINITY : Number(last);
  if (!(count >= 0) || (last !== undefined && !Number.isInteger(count)))
    throw new GatewayError('USAGE', String(last), 'expected a number of entries');
  const found = await Promise.all(directories.map((directory) => newest(directory, kind, count)));
  const lines = found.flat().toSorted((one, other) => one.time.localeCompare(other.time));
  const shown = count === Number.POSITIVE_INFINITY ? lines : lines.slice(Math.max(0, lines.length - count));
  if (shown.length === 0) process.stderr.write(kind === undefined ? 'there are no entries\n' : await noneOf(directories, kind));
  for (const line of shown) process.stdout.write(json === true ? `${JSON.stringify(line)}\n` : formatLine(line));
  return EXIT.ok;
}

async function noneOf(directories: readonly string[], kind: string): Promise<string> {
  const all = await Promise.all(directories.map((directory) => newest(directory, undefined, Number.POSITIVE_INFINITY)));
  const kinds = [...new Set(all.flat().map((line) => line.kind))].toSorted();
  return `there are no entries of the kind \`${kind}\`; there are ${kinds.join(', ') || 'none at all'}\n`;
}

async function newest(directory: string, kind: string | undefined, count: number): Promise<readonly AuditLine[]> {
  let lines: readonly AuditLine[] = [];
  for (const name of (await listFiles(directory)).toReversed()) {
    if (lines.length >= count) break;
    const pieces = [...piecesOf(await readFile(join(directory, name)))];
    lines = [...pieces.flatMap(({ line }) => (line !== undefined && (kind ?? line.kind) === line.kind ? [line] : [])), ...lines];
  }
  return lines;
}

/** `17 2026-11-29T12:00:00.000Z command id=c1 by=anna`; control characters stay escaped. */
function formatLine({ sequence, time, kind, previous: _, hash: __, ...fields }: AuditLine): string {
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${formatValue(value)}`);
  return `${[sequence, time, kind, ...parts].join(' ')}\n`;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}
