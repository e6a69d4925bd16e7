import type { OperatorDefinition } from '../operator.ts';
import { aggregate } from './aggregate.ts';
import { expression } from './expression.ts';
import { labels } from './labels.ts';
import { range } from './range.ts';
import { scale } from './scale.ts';
import { send } from './send.ts';
import { throttle } from './throttle.ts';

/** Every operator, in the order in which a reading meets them. One line each; nothing else has to change. */
export const operators: readonly OperatorDefinition[] = [scale, range, labels, expression, throttle, aggregate, send];
