import type { Command } from 'commander';
import type { Fields } from '../audit/audit-line.ts';
import { loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import { declarations, loadTools } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import type { PeerCertificate, TrustTool } from '../southbound/trust-tool.ts';
import { auditCommandLine } from './command-line-audit.ts';
import { EXIT, type Finish } from './exit-code.ts';

interface Options {
  readonly config?: string;
  readonly state?: string;
  readonly json?: boolean;
}

/** What a command found or did: as JSON, or as a person reads it. */
interface Outcome {
  readonly json: unknown;
  /** What was changed of who is trusted; absent: nothing. */
  readonly audit?: Fields;
  readonly text: string;
}

const WHERE = '\nWhere the certificates are is said by `--state`, by `--config`, or by systemd in STATE_DIRECTORY.';
const AT_ONCE = 'holds from the next attempt to connect on, at most a minute from now; nothing needs a restart';

export function addTrustCommand(program: Command, finish: Finish): void {
  const trust = program.command('trust').description('which OPC UA servers the gateway trusts, and who it is to them');
  const add = (name: string, description: string, run: (tool: TrustTool, state: string, what: string) => Promise<Outcome>) =>
    trust
      .command(name)
      .description(description)
      .option('--state <directory>', 'state directory of the gateway, e.g. /var/lib/fieldmarshal')
      .option('-c, --config <path>', 'directory that holds gateway.yaml, or the file itself')
      .option('--json', 'print JSON')
      .addHelpText('after', WHERE)
      .action(async (...args: unknown[]) => {
        const options = args.at(-2) as Options;
        const state = await chooseState(options);
        if (state === undefined) return finish(EXIT.config);
        const { json, text, audit } = await run(await trustTool(), state, String(args[0]));
        if (audit !== undefined) await auditCommandLine(state, 'trust', { action: name.split(' ')[0], ...audit });
        process.stdout.write(options.json === true ? `${JSON.stringify(json, null, 2)}\n` : text);
        finish(EXIT.ok);
      });
  add('list', 'show the own certificate, the trusted servers, and those that were refused', list);
  add(
    'accept <thumbprint|file>',
    `trust a refused server, or the certificate in a file (of a server, or of an authority); or keep its revocation list; ${AT_ONCE}`,
    async (tool, state, what) => {
      const accepted = await tool.accept(state, what);
      return {
        json: accepted,
        audit: audited(accepted),
        text: `trusted${accepted.standing === 'authority' ? ', with all that it signs' : ''}: ${describe(accepted)}\n`,
      };
    },
  );
  add('reject <thumbprint>', `trust a server or an authority no more; ${AT_ONCE}`, async (tool, state, what) => {
    const rejected = await tool.reject(state, what);
    return { json: rejected, audit: audited(rejected), text: `trusted no more: ${describe(rejected)}\n` };
  });
  add('renew', 'make a new own certificate; servers that do not know it yet are shown the old one', async (tool, state) => {
    const renewed = await tool.renew(state);
    return {
      json: renewed,
      audit: audited(renewed),
      text: `made: ${describe(renewed)}\nTrust it at every server before the old one expires.\n`,
    };
  });
}

async function trustTool(): Promise<TrustTool> {
  const { trust } = await loadTools('opcua');
  if (trust === undefined) throw new GatewayError('USAGE', 'trust', 'there is no protocol here that trusts by certificate');
  return trust;
}

/** `undefined` when the configuration is wrong, which was told then. */
async function chooseState({ state, config }: Options): Promise<string | undefined> {
  if (state !== undefined) return state;
  const [fromSystemd = ''] = (process.env.STATE_DIRECTORY ?? '').split(':');
  if (fromSystemd !== '') return fromSystemd;
  if (config === undefined) {
    throw new GatewayError('USAGE', 'trust', 'say with `--state` or `--config` which gateway is meant');
  }
  const { plan, problems } = await loadConfiguration(config, declarations);
  process.stderr.write(formatProblems(problems));
  return plan === undefined ? undefined : plan.stateDirectory;
}

async function list(tool: TrustTool, state: string): Promise<Outcome> {
  const found = await tool.list(state);
  const certificates = found.certificates.map(format).join('\n');
  const skipped = found.skipped.map((file) => `not followed, because it is no plain file: ${file}\n`);
  const text = certificates === '' ? `no certificates in ${state}: the gateway has not connected yet\n` : certificates;
  return { json: found, text: `${text}${skipped.join('')}` };
}

function format(certificate: PeerCertificate): string {
  const { standing, subject, sha1, sha256, applicationUri, validTo, seenAt, file, revocations } = certificate;
  const lines = [
    ['subject', subject],
    ['application', applicationUri],
    ['SHA-1', sha1],
    ['SHA-256', sha256],
    ['valid to', `${validTo}${Date.parse(validTo) < Date.now() ? ' (expired)' : ''}`],
    ['seen at', seenAt],
    ['file', file],
    ['revoked', standing === 'authority' ? formatRevocations(revocations) : undefined],
  ].filter(([, value]) => value !== undefined);
  return `${standing}\n${lines.map(([name = '', value]) => `  ${name.padEnd(12)} ${value}\n`).join('')}`;
}

function formatRevocations(revocations: PeerCertificate['revocations']): string {
  if (revocations === undefined) return 'not known: accept its revocation list, too';
  const { revoked, nextUpdate, file } = revocations;
  return `${revoked} certificates${nextUpdate === undefined ? '' : `, next list due ${nextUpdate}`}, ${file}`;
}

function audited({ subject, sha256, standing }: PeerCertificate): Fields {
  return { subject, sha256, standing };
}

function describe({ subject, sha256, seenAt, file }: PeerCertificate): string {
  return `${subject}${seenAt === undefined ? '' : `, seen at ${seenAt}`}, SHA-256 ${sha256}, ${file}`;
}
