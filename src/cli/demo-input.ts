/** What a person types into the demo. */
export type DemoInput =
  | { readonly kind: 'switch'; readonly part: string; readonly isUp: boolean }
  | { readonly kind: 'write'; readonly twin: string; readonly point: string; readonly value: boolean | number | string }
  | { readonly kind: 'help' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unknown'; readonly text: string };

export const DEMO_HELP = [
  'plant down PART, plant up PART   pull the cable of press-07, line-1, meter-1, meter-2 or filler-02, and put it back',
  'broker off, broker on            the spool fills, and drains',
  'write TWIN POINT VALUE           a command from the cloud, e.g. write press-07 speedSetpoint 900',
  'quit                             stop and print the summary',
];

export const DEMO_HINT = 'plant down|up press-07 · broker off|on · write press-07 speedSetpoint 900 · help · quit';

export function parseDemoInput(line: string): DemoInput {
  const words = line.trim().split(/\s+/);
  const [verb = '', second = '', third = '', ...rest] = words;
  if (line.trim() === '') return { kind: 'nothing' };
  if (verb === 'help' || verb === '?') return { kind: 'help' };
  if (verb === 'quit' || verb === 'exit' || verb === 'q') return { kind: 'quit' };
  if (verb === 'plant' && (second === 'down' || second === 'up') && third !== '') {
    return { kind: 'switch', part: third, isUp: second === 'up' };
  }
  if (verb === 'broker' && (second === 'off' || second === 'on'))
    return { kind: 'switch', part: 'broker', isUp: second === 'on' };
  if (verb === 'write' && rest.length > 0)
    return { kind: 'write', twin: second, point: third, value: parseValue(rest.join(' ')) };
  return { kind: 'unknown', text: line.trim() };
}

function parseValue(text: string): boolean | number | string {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}
