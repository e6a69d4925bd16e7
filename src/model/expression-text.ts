import type { ASTNode } from '@marcbachmann/cel-js';
import { GatewayError } from './error.ts';
import { EXPRESSION_FUNCTIONS } from './expression-environment.ts';
import { nearest } from './nearest.ts';

export interface ReadExpression {
  /** The names used, each once, in order of appearance. */
  readonly used: readonly string[];
  /** The same expression, fully bracketed, with `double(…)` round dividends and `dyn(…)` round the branches of a condition. */
  readonly looseText: string;
}

/** Walks a parsed expression and lets only harmless parts pass. Throws CONFIG_INVALID with the column. */
export function readExpression(text: string, root: ASTNode, names: readonly string[]): ReadExpression {
  const used = new Set<string>();

  const list = (nodes: readonly ASTNode[]): string => nodes.map(write).join(', ');
  const call = (node: ASTNode, name: string): string => {
    if (EXPRESSION_FUNCTIONS.includes(name)) return name;
    throw refused(node, `unknown function \`${name}\`; there are ${EXPRESSION_FUNCTIONS.join(', ')}`);
  };

  function write(node: ASTNode): string {
    switch (node.op) {
      case 'value':
        return text.slice(node.start, node.end);
      case 'id':
        if (!names.includes(node.args)) throw refused(node, unknownName(node.args, names));
        used.add(node.args);
        return node.args;
      case 'call':
        return `${call(node, node.args[0])}(${list(node.args[1])})`;
      case 'rcall':
        return `${write(node.args[1])}.${call(node, node.args[0])}(${list(node.args[2])})`;
      case 'list':
        return `[${list(node.args)}]`;
      case '?:':
        return `(${write(node.args[0])} ? dyn(${write(node.args[1])}) : dyn(${write(node.args[2])}))`;
      case '!_':
      case '-_':
        return `(${node.op[0]}${write(node.args)})`;
      case '/':
        return `(double(${write(node.args[0])}) / ${write(node.args[1])})`;
      case '.':
        return `${write(node.args[0])}.${node.args[1]}`;
      case '[]':
        return `${write(node.args[0])}[${write(node.args[1])}]`;
      case '.?':
      case '[?]':
      case 'map':
        throw refused(node, 'only operators, functions, names of points and their elements (`a[0]`, `a.speed`) can be used');
      default:
        return `(${write(node.args[0])} ${node.op} ${write(node.args[1])})`;
    }
  }

  const looseText = write(root);
  return { used: [...used], looseText };
}

function refused(node: ASTNode, reason: string): GatewayError {
  return new GatewayError('CONFIG_INVALID', node.input, `${reason}, at column ${node.start + 1} of the expression`);
}

function unknownName(name: string, names: readonly string[]): string {
  const candidate = nearest(name, names);
  if (candidate !== undefined) return `unknown name \`${name}\`; did you mean \`${candidate}\`?`;
  return `unknown name \`${name}\`; ${names.length === 0 ? 'there are no names to use' : `known are ${names.join(', ')}`}`;
}
