import { request } from 'node:http';
import type { Command } from 'commander';
import { loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { declarations } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import type { GatewayPlan } from '../model/plan.ts';
import { count } from '../model/plural.ts';
import type { GatewayStatus } from '../model/status.ts';
import { type ConfigOption, configPath, takesConfig } from './config-path.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { illsOf, type Look, renderStatus } from './status-page.ts';

const WAIT_MS = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;

interface StatusOptions extends ConfigOption {
  readonly url?: string;
  readonly json?: boolean;
}

export function addStatusCommand(program: Command, finish: Finish): void {
  takesConfig(
    program
      .command('status')
      .description('ask the gateway that runs how it is: exit code 0 all is well, 1 something is not, 69 no gateway answers'),
  )
    .option('--url <url>', 'where it shows how it is, in place of a configuration, e.g. http://127.0.0.1:9464')
    .option('--json', 'print what it answered, with `health` and what is not well (`ills`)')
    .action(async (path: string | undefined, options: StatusOptions) => finish(await status(configPath(path, options), options)));
}

async function status(config: string, { url, json = false }: StatusOptions): Promise<ExitCode> {
  if (url !== undefined) return show(await look(baseOf(url)), json);
  const { shown, problems } = await loadConfiguration(config, declarations);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (shown === undefined) {
    process.stderr.write(formatProblems(problems));
    return EXIT.config;
  }
  if (errors > 0)
    process.stderr.write(
      `the configuration has ${count(errors, 'error')} now (see \`fieldmarshal check\`): a gateway would not start on it again\n`,
    );
  const base = addressOf(shown.operations);
  const found = await look(base);
  const { gateway } = found.status;
  if (gateway !== shown.id)
    throw unavailable(base, `the gateway \`${gateway}\` answers there, this is the configuration of \`${shown.id}\``);
  return show(found, json);
}

function show(found: Look, json: boolean): ExitCode {
  const ills = illsOf(found);
  const { status, health } = found;
  const text = json ? `${JSON.stringify({ ...status, health, ills }, null, 2)}\n` : renderStatus(found, ills);
  process.stdout.write(text);
  return ills.length === 0 ? EXIT.ok : EXIT.failed;
}

function baseOf(url: string): string {
  if (!URL.canParse(url) || new URL(url).protocol !== 'http:')
    throw new GatewayError('USAGE', url, 'expected an address, e.g. `http://127.0.0.1:9464`');
  return new URL(url).origin;
}

/** Where every address is listened at, this machine is one of them. */
function addressOf({ host, port }: GatewayPlan['operations']): string {
  if (port === 0)
    throw new GatewayError('USAGE', 'operations.port', '0 takes any free port, which nobody knows: name one, or say `--url`');
  const name = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `http://${name}:${port}`;
}

async function look(base: string): Promise<Look> {
  const [status, health] = await Promise.all([ask(base, '/status'), ask(base, '/health')]);
  const isStatus = isObject(status) && typeof status.gateway === 'string' && Array.isArray(status.hubs);
  if (!isStatus || !isObject(health) || typeof health.status !== 'string')
    throw unavailable(base, 'what answers there is no gateway');
  return { status: status as unknown as GatewayStatus, health: health as unknown as Look['health'] };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** `undefined`: an answer that is no JSON. No agent: nothing is kept open. */
function ask(base: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(unavailable(base, reason));
    const asked = request(
      `${base}${path}`,
      { agent: false, timeout: WAIT_MS, signal: AbortSignal.timeout(WAIT_MS) },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('error', (error) => fail(error.message));
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_BYTES) response.destroy(new Error('the answer does not end'));
          else chunks.push(chunk);
        });
        response.on('end', () => resolve(parsed(Buffer.concat(chunks).toString())));
      },
    );
    asked.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error)));
    asked.end();
  });
}

function reasonOf({ code, name, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED')
    return 'no gateway runs, or it shows how it is at another address (`operations`): nobody listens there';
  return name === 'AbortError' || name === 'TimeoutError'
    ? `no answer within ${WAIT_MS / 1_000} s: the gateway hangs, or is very busy`
    : message;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unavailable(base: string, reason: string): GatewayError {
  return new GatewayError('GATEWAY_UNAVAILABLE', base, reason);
}
