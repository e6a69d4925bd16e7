import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { loadTools } from '../gateway/plug-ins.ts';
import { GatewayError } from '../model/error.ts';
import { type ConnectionPlan, UNNAMED } from '../model/plan.ts';
import { describeValue } from '../model/value.ts';
import { silentLog } from '../runtime/log.ts';
import type { BrowsedNode, BrowseOptions, BrowseTool } from '../southbound/browse-tool.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { loadOneMapping } from './load-one-mapping.ts';

const HELP = `
A server is given by its address (opc.tcp://host:port) or by a mapping that connects to it. NODE is the address of the node to begin with,
as a point has it; without it everything is shown but the server's own diagnostics.

  fieldmarshal browse opc.tcp://10.20.0.17:4840 --depth 2
  fieldmarshal browse press.yaml 'nsu=urn:acme:press;s=Hydraulics' --filter '*Temperature*'
  fieldmarshal browse press.yaml --twin press-07 --mapping press-07.yaml`;

interface Given {
  readonly depth: string;
  readonly json?: boolean;
  readonly filter?: string;
  readonly mapping?: string;
  readonly force?: boolean;
  readonly twin?: string;
  readonly policy?: string;
}

export function addBrowseCommand(program: Command, finish: Finish): void {
  program
    .command('browse')
    .description('show what a server has: tree, type, value, access; or write a mapping of it')
    .argument('<target>', 'opc.tcp://host:port, or a mapping file')
    .argument('[node]', 'where to begin')
    .option('--depth <levels>', 'levels below the beginning', '20')
    .option('--filter <text>', 'only variables and methods whose path has this in it; `*` stands for anything')
    .option('--json', 'print JSON')
    .option('--mapping <file>', 'write a mapping of the variables to this file')
    .option('--twin <name>', 'name of the twin in that mapping', 'new-device')
    .option('--force', 'write the file even if it is there already')
    .option('--policy <policy>', 'security policy, where the target is an address; by default the best of the server')
    .addHelpText('after', HELP)
    .action(async (target: string, node: string | undefined, given: Given) => finish(await browse(target, node, given)));
}

async function browse(target: string, node: string | undefined, given: Given): Promise<ExitCode> {
  const depth = Number(given.depth);
  if (!Number.isInteger(depth) || depth < 1) throw new GatewayError('USAGE', '--depth', 'a whole number from 1 on is expected');
  if (given.mapping !== undefined && given.force !== true && existsSync(given.mapping)) throw isThere(given.mapping);
  const found = await findTarget(target, given.policy);
  if (found === undefined) return EXIT.config;
  const { tool, connection, ...place } = found;
  const stop = new AbortController();
  const options: BrowseOptions = {
    connection,
    ...place,
    depth,
    log: silentLog,
    signal: stop.signal,
    ...(node === undefined ? {} : { node }),
  };
  const nodes = filtered(tool.walk(options), given.filter);
  process.once('SIGINT', () => stop.abort());
  if (given.mapping !== undefined) return writeMapping(given.mapping, given, await collect(nodes), { tool, connection });
  await print(nodes, given.json === true);
  return EXIT.ok;
}

interface Target extends Pick<BrowseOptions, 'connection' | 'gatewayId' | 'stateDirectory'> {
  readonly tool: BrowseTool;
}

async function findTarget(target: string, policy: string | undefined): Promise<Target | undefined> {
  if (/^[a-z][a-z.]*:\/\//.test(target)) {
    const tool = await browseToolOf('opcua', target);
    const connection = tool.connectionOf(target, policy === undefined ? {} : { policy });
    return { tool, connection, gatewayId: UNNAMED, stateDirectory: process.env.STATE_DIRECTORY ?? 'var' };
  }
  const plan = await loadOneMapping(target);
  const [connection] = plan?.connections ?? [];
  if (plan === undefined || connection === undefined) return undefined;
  const tool = await browseToolOf(connection.protocol, target);
  return { tool, connection, gatewayId: plan.gateway.id, stateDirectory: plan.stateDirectory };
}

async function browseToolOf(protocol: string, target: string): Promise<BrowseTool> {
  const { browse } = await loadTools(protocol);
  if (browse !== undefined) return browse;
  throw new GatewayError('USAGE', target, `there is nothing to browse by ${protocol}; only OPC UA servers tell what they have`);
}

async function* filtered(nodes: AsyncIterable<BrowsedNode>, filter: string | undefined): AsyncGenerator<BrowsedNode> {
  const pattern = filter === undefined ? undefined : new RegExp(filter.split('*').map(toLiteral).join('.*'), 'i');
  for await (const node of nodes) {
    if (pattern === undefined || (node.kind !== 'object' && pattern.test(node.path.join('/')))) yield node;
  }
}

function toLiteral(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

async function collect(nodes: AsyncIterable<BrowsedNode>): Promise<readonly BrowsedNode[]> {
  const all: BrowsedNode[] = [];
  for await (const node of nodes) all.push(node);
  return all;
}

async function writeMapping(
  file: string,
  { twin = 'new-device', force = false }: Given,
  nodes: readonly BrowsedNode[],
  { tool, connection }: { readonly tool: BrowseTool; readonly connection: ConnectionPlan },
): Promise<ExitCode> {
  const points = nodes.filter(({ kind }) => kind === 'variable').length;
  if (points === 0) throw new GatewayError('USAGE', file, 'there are no variables to write a mapping of; begin at another node');
  const text = tool.draftMapping({ connection, twin, nodes });
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new GatewayError('USAGE', file, 'the file is there already; take another name, or say --force', { cause: error });
  }
  process.stdout.write(`${file}: ${points} variables; go on with: fieldmarshal check ${file}\n`);
  return EXIT.ok;
}

function isThere(file: string, cause?: unknown): GatewayError {
  return new GatewayError('USAGE', file, 'the file is there already; take another name, or say --force', { cause });
}

async function print(nodes: AsyncIterable<BrowsedNode>, json: boolean): Promise<void> {
  let count = 0;
  for await (const node of nodes) {
    process.stdout.write(json ? `${count === 0 ? '[' : ','}\n${toJson(node)}` : `${toLine(node)}\n`);
    count += 1;
  }
  if (json) process.stdout.write(count === 0 ? '[]\n' : '\n]\n');
}

function toJson(node: BrowsedNode): string {
  return JSON.stringify(node, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
}

const MAX_VALUE = 60;

function toLine(node: BrowsedNode): string {
  const head = `${'  '.repeat(node.depth)}${node.name}`;
  if (node.kind !== 'variable') return `${head}${node.kind === 'method' ? '()' : '/'}  ${node.address}`;
  const { type, rank, access, value, status, unit } = node;
  const shown = status ?? describeValue(value ?? null);
  const cut = shown.length > MAX_VALUE ? `${shown.slice(0, MAX_VALUE)}…` : shown;
  return [head, `${type}${rank > 0 ? '[]' : ''}`, [cut, unit].filter(Boolean).join(' '), access, node.address].join('  ');
}
