import type { OperatorDefinition } from '../operator.ts';

/** Every operator, in the order in which a reading meets them. One line each; nothing else has to change. */
export const operators: readonly OperatorDefinition[] = [];
