import { Environment } from '@marcbachmann/cel-js';

/** The functions an expression may call, each with a bounded cost; CEL's own matching and list macros are left out. */
export const EXPRESSION_FUNCTIONS = [
  ...['abs', 'min', 'max', 'round', 'floor', 'ceil', 'sqrt', 'pow'],
  ...['int', 'double', 'string', 'bool', 'size', 'contains', 'startsWith', 'endsWith', 'lowerAscii', 'upperAscii', 'trim'],
];

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

const ONE_NUMBER = { abs: Math.abs, round: Math.round, floor: Math.floor, ceil: Math.ceil, sqrt: Math.sqrt };

/** A new CEL environment without variables, in which int and double mix. */
export function expressionEnvironment(): Environment {
  const environment = new Environment({ limits: { maxAstNodes: 256, maxDepth: 32, maxListElements: 100, maxCallArguments: 8 } });
  for (const [operator, compute] of Object.entries(ARITHMETIC)) mixNumbers(environment, operator, compute);
  for (const type of ['int', 'double', 'string']) environment.registerOperator(`bool == ${type}: bool`, refuseComparison);
  for (const [name, compute] of Object.entries(ONE_NUMBER)) {
    environment.registerFunction(`${name}(double): double`, compute);
    environment.registerFunction(`${name}(int): double`, (value: bigint) => compute(Number(value)));
  }
  environment.registerFunction(
    'pow(dyn, dyn): double',
    (base: unknown, exponent: unknown) => toNumber(base) ** toNumber(exponent),
  );
  environment.registerFunction('min(dyn, dyn): dyn', (a: unknown, b: unknown) => (toNumber(a) <= toNumber(b) ? a : b));
  environment.registerFunction('max(dyn, dyn): dyn', (a: unknown, b: unknown) => (toNumber(a) >= toNumber(b) ? a : b));
  return environment;
}

function mixNumbers(environment: Environment, operator: string, compute: (a: number, b: number) => number): void {
  environment.registerOperator(`int ${operator} double: double`, (a, b) => compute(Number(a), b));
  environment.registerOperator(`double ${operator} int: double`, (a, b) => compute(a, Number(b)));
  if (operator === '%') environment.registerOperator('double % double: double', compute);
}

/** CEL would say that they differ, and an interlock `emergencyStop != 1` would be open for ever. */
function refuseComparison(): never {
  throw new RangeError('a boolean is compared with something else; compare it with `true` or `false`');
}

function toNumber(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw new RangeError(`a number was expected, got ${typeof value}`);
}
