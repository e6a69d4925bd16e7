import type { BrowsedNode, MappingDraft } from '../../../src/southbound/browse-tool.ts';
import { proposeNames } from '../mapping/point-names.ts';
import type { OpcuaSettings } from '../mapping/settings.ts';

type Variable = Extract<BrowsedNode, { readonly kind: 'variable' }>;

const NUMBERS: ReadonlySet<string> = new Set([
  'SByte',
  'Byte',
  'Int16',
  'UInt16',
  'Int32',
  'UInt32',
  'Int64',
  'UInt64',
  'Float',
  'Double',
  'Number',
  'Integer',
  'UInteger',
]);

/** A mapping that `check` takes and `read` reads, with comments for what a person has to decide. */
export function draftMapping({ connection, twin, nodes }: MappingDraft): string {
  const variables = nodes.filter((node): node is Variable => node.kind === 'variable');
  const readable = variables.filter(({ access, status }) => access.startsWith('read') && status === undefined);
  const rest = variables.filter((variable) => !readable.includes(variable));
  const names = proposeNames(readable.map(({ path }) => path));
  const lines = [
    '# Proposed by `fieldmarshal browse`: drop what nobody needs, and give the rest the names that the twin knows.',
    `twin: ${quote(twin)}`,
    'connection:',
    ...connectionLines(connection.settings as OpcuaSettings),
    'defaults: { interval: 1 s }',
    'points:',
    ...readable.flatMap((variable, at) => pointLines(names[at] ?? '', variable)),
    ...rest.map(
      ({ path, address, status, access }) => `  # ${path.join('/')}: ${status ?? `access ${access}`} (${oneLine(address)})`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function connectionLines({ url, security, insecure, user, reverseConnect }: OpcuaSettings): readonly string[] {
  const { policy, mode } = security;
  const keys = [...(policy === 'best' ? [] : [`policy: ${policy}`]), ...(mode === undefined ? [] : [`mode: ${mode}`])];
  return [
    '  protocol: opcua',
    `  url: ${url.length === 1 ? quote(url[0] ?? '') : `[${url.map(quote).join(', ')}]`}`,
    ...(keys.length === 0 ? [] : [`  security: { ${keys.join(', ')} }`]),
    ...(insecure ? ['  insecure: true'] : []),
    ...(reverseConnect === undefined
      ? []
      : [`  reverseConnect: { listen: ${quote(reverseConnect.listen)}, serverUri: ${quote(reverseConnect.serverUri)} }`]),
    ...(user === undefined ? [] : ['  # user: as in the mapping that this one was browsed with']),
  ];
}

function pointLines(name: string, variable: Variable): readonly string[] {
  const { address, path, type, unit, range, access } = variable;
  const isArray = variable.rank > 0;
  const labels = labelsOf(variable);
  const isNumber = NUMBERS.has(type) && !isArray;
  return [
    `  ${name}: # ${oneLine(path.join('/'))}, ${type === '' ? 'unknown type' : oneLine(type)}${isArray ? '[]' : ''}`,
    `    address: ${quote(address)}`,
    ...(unit === undefined ? [] : [`    unit: ${quote(unit)}`]),
    ...(range === undefined || labels !== undefined || !isNumber ? [] : [`    range: { min: ${range.min}, max: ${range.max} }`]),
    ...(labels === undefined ? [] : [`    labels: { ${labels.map(([key, text]) => `${key}: ${quote(text)}`).join(', ')} }`]),
    ...(access === 'read-write' ? [`    # write: ${writeRule(variable)}`] : []),
  ];
}

/** As the operator `labels` takes them: whole numbers, `true` and `false`, each text once. */
function labelsOf({ labels, rank }: Variable): readonly (readonly [string, string])[] | undefined {
  const entries = Object.entries(labels ?? {});
  const isSound =
    entries.every(([key]) => /^(-?\d+|true|false)$/.test(key)) &&
    new Set(entries.map(([, text]) => text)).size === entries.length;
  return entries.length > 0 && isSound && rank < 1 ? entries : undefined;
}

function writeRule(variable: Variable): string {
  const labels = labelsOf(variable);
  if (labels !== undefined) return `{ values: [${labels.map(([, text]) => quote(text)).join(', ')}] }`;
  if (!NUMBERS.has(variable.type)) return '{}';
  const { min, max } = variable.range ?? {};
  return min === undefined || max === undefined ? '{ min: …, max: … }' : `{ min: ${min}, max: ${max} }`;
}

/** Plain where YAML takes it so, else in quotes. */
function quote(text: string): string {
  const isPlain = /^[A-Za-z][\w./=-]*(?:[:;][\w./=;-]+)*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
