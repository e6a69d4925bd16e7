import type { Command } from 'commander';
import { loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { declarations } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import { count } from '../model/plural.ts';
import { toJsonValue } from '../pipeline/latest-readings.ts';
import { isAcknowledged } from '../spool/acknowledged.ts';
import { diskFileSystem } from '../spool/file-system.ts';
import { type LogProof, proveSpool, type SpoolProof } from '../spool/spool-proof.ts';
import { type LogView, type SpoolItem, type SpoolView, viewSpool } from '../spool/spool-view.ts';
import { type ConfigOption, configPath, takesConfig } from './config-path.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';

const NOTHING = { offset: 0, messages: 0 };

interface SpoolOptions extends ConfigOption {
  readonly json?: boolean;
  readonly hub?: string;
  readonly waiting?: boolean;
}

interface LookOptions extends SpoolOptions {
  /** Of the configuration. */
  readonly hubs: readonly string[];
}

type Look = (view: SpoolView, options: LookOptions) => Promise<ExitCode>;

export function addSpoolCommand(program: Command, finish: Finish): void {
  const spool = program
    .command('spool')
    .description('look into the spool on disk, whether a gateway runs on it or not; changes nothing');
  const add = (name: string, description: string, look: Look): Command =>
    takesConfig(spool.command(name).description(description)).action(async (path: string | undefined, options: SpoolOptions) =>
      finish(await open(configPath(path, options), options, look)),
    );
  add('status', 'what waits for each hub, how large it is, how old', showStatus).option('--json', 'print JSON');
  add('verify', 'read everything: what is damaged, which numbers are missing; exit code 1 where any are', verify).option(
    '--json',
    'print JSON',
  );
  add('export', 'print the messages, one JSON object a line, with their numbers for each hub', exportMessages)
    .option('--hub <name>', 'only messages for this hub')
    .option('--waiting', 'only what a hub has not acknowledged');
}

async function open(path: string, options: SpoolOptions, look: Look): Promise<ExitCode> {
  const { plan, problems } = await loadConfiguration(path, declarations);
  process.stderr.write(formatProblems(problems));
  if (plan === undefined) return EXIT.config;
  const { directory } = plan.spool;
  const keys = plan.spool.keys.map((key) => key.revealBytes());
  try {
    const view = await viewSpool({ directory, keys, fileSystem: diskFileSystem });
    return await look(view, { ...options, hubs: plan.hubs.map(({ name }) => name) });
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') throw absent(directory, cause);
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('SPOOL_WRITE', directory, `the spool cannot be read: ${text}`, { cause });
  }
}

function absent(directory: string, cause: Error): GatewayError {
  const text = 'there is no spool: a gateway makes it when it first starts; if one has run here, its disk may not be mounted';
  return new GatewayError('SPOOL_WRITE', directory, text, { cause });
}

async function showStatus(view: SpoolView, { json }: SpoolOptions): Promise<ExitCode> {
  const proof = await proveSpool(view);
  process.stdout.write(json === true ? `${JSON.stringify(proof, null, 2)}\n` : formatStatus(proof));
  return EXIT.ok;
}

async function verify(view: SpoolView, { json }: SpoolOptions): Promise<ExitCode> {
  const proof = await proveSpool(view);
  process.stdout.write(json === true ? `${JSON.stringify(proof, null, 2)}\n` : formatStatus(proof) + formatFaults(proof));
  return proof.isSound ? EXIT.ok : EXIT.failed;
}

/** What a hub was to get that the configuration does not have any more is still there. */
async function exportMessages(view: SpoolView, options: LookOptions): Promise<ExitCode> {
  const { hub } = options;
  const known = new Set(options.hubs);
  let shown = 0;
  for (const log of view.logs) {
    for await (const item of log.items()) {
      if (item.found !== 'message') continue;
      for (const name of Object.keys(item.head.hubs)) known.add(name);
      if (exportMessage(item, log, options)) shown += 1;
    }
  }
  if (hub !== undefined && !known.has(hub))
    throw new GatewayError('USAGE', hub, `there is no such hub; there are ${[...known].join(', ') || 'none'}`);
  if (shown === 0) process.stderr.write(options.waiting === true ? 'nothing waits\n' : 'there are no messages\n');
  return EXIT.ok;
}

/** False where it is not one of those that are wanted. */
function exportMessage(item: Extract<SpoolItem, { found: 'message' }>, log: LogView, { hub, waiting }: LookOptions): boolean {
  const { head, offset, epoch, message } = item;
  const hubs = Object.entries(head.hubs)
    .filter(([name]) => hub === undefined || name === hub)
    .map(
      ([name, sequence]) =>
        [name, { sequence, isWaiting: !isAcknowledged(log.cursors?.cursors[name] ?? NOTHING, offset - 1) }] as const,
    )
    .filter(([, { isWaiting }]) => waiting !== true || isWaiting);
  if (hubs.length === 0) return false;
  const line = {
    class: log.class,
    offset,
    epoch,
    appended: new Date(head.at).toISOString(),
    hubs: Object.fromEntries(hubs),
    message,
  };
  process.stdout.write(
    `${JSON.stringify(line, (_key, value: unknown) => (typeof value === 'bigint' ? toJsonValue(value) : value))}\n`,
  );
  return true;
}

function formatStatus({ logs }: SpoolProof): string {
  return logs.map(formatLog).join('') || 'there is nothing yet\n';
}

function formatLog({ class: name, segments, bytes, messages, epochs, hubs, keys }: LogProof): string {
  const encryption = keys.length === 0 ? 'not encrypted' : `encrypted with ${keys.join(', ')}`;
  const lines = Object.entries(hubs).map(([hub, { waitingMessages, waitingReadings, oldestTimeMs }]) => {
    const oldest = oldestTimeMs === undefined ? '' : `, the oldest since ${new Date(oldestTimeMs).toISOString()}`;
    return `  ${hub}: ${count(waitingMessages, 'message')} with ${count(waitingReadings, 'reading')} waiting${oldest}`;
  });
  const what = `${count(segments, 'segment')}, ${count(bytes, 'byte')}, ${count(messages, 'message')}, epoch ${epochs.join(', ') || '-'}, ${encryption}`;
  return [`${name}: ${what}`, ...lines, ''].join('\n');
}

function formatFaults({ logs, isSound }: SpoolProof): string {
  const lines = [
    ...logs.flatMap(describeFaults),
    isSound
      ? 'sound: every record is whole, no number is missing'
      : 'NOT SOUND: a gateway that starts on it sets aside what is damaged and declares what is missing',
  ];
  return `${lines.join('\n')}\n`;
}

function describeFaults({ class: name, damage, damagedCursors, holes }: LogProof): readonly string[] {
  const ofTwo = `${name}: ${damagedCursors} of 2 records of how far the hubs are is damaged; the other one counts`;
  return [
    ...damage.map(({ path, from, to }) => `${path}: damaged from byte ${from} to ${to}`),
    ...(damagedCursors === 0 ? [] : [ofTwo]),
    ...holes.map(({ hub, twin, epoch, from, to }) => `${name}, ${hub}, ${twin}: ${from} to ${to} missing (epoch ${epoch})`),
  ];
}
