import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { declarations, dialectsOf } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import type { GatewayPlan, HubPlan } from '../model/plan.ts';
import type { Packet } from '../northbound/dialect.ts';
import type { IdentifiedMessage } from '../northbound/identified-message.ts';
import { listen } from '../northbound/listen.ts';
import { textOf } from '../receiver/decompress.ts';
import { DeliveryBook } from '../receiver/delivery-book.ts';
import { formatReport } from '../receiver/format-report.ts';
import { PartBook } from '../receiver/part-book.ts';
import { parseMessage } from '../receiver/received-message.ts';
import { systemClock } from '../runtime/clock.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { parseDuration } from './parse-duration.ts';

interface VerifyOptions {
  readonly config?: string;
  readonly hub?: string;
  readonly for?: number;
  readonly fromFirst?: boolean;
  readonly json?: boolean;
}

export function addVerifyCommand(program: Command, finish: Finish): void {
  program
    .command('verify')
    .description('receive messages and prove that they are complete: each number came, or a gap record says why not')
    .argument('[capture]', 'file of messages, one a line, as `mosquitto_sub -v` prints them; `-` is standard input')
    .option('-c, --config <path>', 'subscribe at a hub of this gateway.yaml, or of the one in this directory')
    .option('--hub <name>', 'which hub, where there are several')
    .option('--for <duration>', 'stop by itself after this time, e.g. 20s; else Ctrl-C', parseDuration)
    .option('--from-first', 'every twin is expected from its first message on, not only from the first one seen')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nExit code 0: complete. 1: something is missing that no gap record declares, or nothing came.')
    .action(async (capture: string | undefined, options: VerifyOptions) => finish(await verify(capture, options)));
}

async function verify(capture: string | undefined, options: VerifyOptions): Promise<ExitCode> {
  if ((capture === undefined) === (options.config === undefined))
    throw new GatewayError('USAGE', 'verify', 'expected either a capture or `--config` with a hub to subscribe at');
  const book = new DeliveryBook({ fromFirst: options.fromFirst === true });
  const parts = new PartBook();
  let unread = 0;
  const take: Take = (payload, properties) => {
    const message = parseMessage(typeof payload === 'string' ? payload : (textOf(payload) ?? ''), properties);
    const whole = message === undefined ? undefined : parts.join(message);
    if (message === undefined) unread += 1;
    if (whole !== undefined) book.take(whole);
  };
  const taking: Taking = {
    payload: take,
    message: (message) => message !== undefined && book.take({ ...message, ...UNSAID }),
  };
  if (capture !== undefined) await readCapture(capture, take);
  else if (!(await subscribe(options, taking))) return EXIT.config;
  if (unread > 0)
    process.stderr.write(`${unread} messages do not say which ones they are, and were not looked at${UNREAD_HINT}\n`);
  const report = book.report();
  process.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report));
  return report.isComplete && report.streams.length > 0 ? EXIT.ok : EXIT.failed;
}

/** What a message that is only identified does not say. */
const UNSAID = { class: 'any class', content: '', isDoubted: false };

interface Taking {
  readonly payload: Take;
  readonly message: (message: IdentifiedMessage | undefined) => void;
}

type Take = (payload: string | Uint8Array, properties?: Readonly<Record<string, string>>) => void;

const UNREAD_HINT = ';\n  those of `pnp` and `template` say it in user properties, which MQTT 3.1.1 and captures do not have';

/** What `mosquitto_sub -F '%t %x'` prints of a compressed message. */
const COMPRESSED_HEX = /(?:^|\s)((?:1f8b|28b52ffd)(?:[0-9a-f]{2})+)$/i;

/** A line is a message, or a topic and a message; one that is compressed in hexadecimal. */
async function readCapture(path: string, take: Take): Promise<void> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const hex = COMPRESSED_HEX.exec(line)?.[1];
      const start = line.indexOf('{');
      if (hex !== undefined) take(Buffer.from(hex, 'hex'));
      else if (start >= 0) take(line.slice(start));
    }
  } catch (cause) {
    throw new GatewayError('USAGE', path, `the capture cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/** False when the configuration is wrong, which was told then. */
async function subscribe(options: VerifyOptions, taking: Taking): Promise<boolean> {
  const { plan, problems } = await loadConfiguration(options.config ?? '.', declarations);
  process.stderr.write(formatProblems(problems));
  if (plan === undefined) return false;
  const hub = chooseHub(plan, options.hub);
  const dialect = (await dialectsOf(plan, plan.stateDirectory)).get(hub.name);
  const topics = dialect?.messageTopics?.();
  if (dialect === undefined || topics === undefined)
    throw new GatewayError('USAGE', hub.name, `messages of the dialect ${hub.dialect} cannot be subscribed to; give a capture`);
  const stop = stopAfter(options.for);
  const onPacket = (packet: Packet) => {
    if (dialect.identify === undefined) taking.payload(packet.payload, packet.properties);
    else taking.message(dialect.identify(packet));
  };
  const session = await listen({ dialect, topics, clock: systemClock, signal: stop, onPacket });
  process.stderr.write(`listening at ${hub.name} on ${topics.length} topics; Ctrl-C ends it and prints the report\n`);
  const lost = await Promise.race([session.lost, aborted(stop)]);
  await session.close();
  if (lost !== undefined)
    process.stderr.write(`${lost.subject}: ${lost.message} (${lost.code})\n  the report covers what came until then\n`);
  return true;
}

function chooseHub(plan: GatewayPlan, name: string | undefined): HubPlan {
  const [first, ...others] = plan.hubs;
  const names = plan.hubs.map((hub) => hub.name).join(', ');
  if (name === undefined && first !== undefined && others.length === 0) return first;
  const found = plan.hubs.find((hub) => hub.name === name);
  if (found !== undefined) return found;
  throw new GatewayError('USAGE', name ?? 'verify', `say with \`--hub\` which hub to listen at; there are ${names}`);
}

function stopAfter(ms: number | undefined): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  return ms === undefined ? stop.signal : AbortSignal.any([stop.signal, AbortSignal.timeout(ms)]);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
