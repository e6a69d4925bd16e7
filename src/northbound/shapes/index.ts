import { encodeExpanded } from './expanded.ts';
import type { ShapeName } from './names.ts';
import type { Shape } from './shape.ts';
import { encodeTwin } from './twin.ts';

/** Every shape a message may leave in. One line each. */
export const shapes: Readonly<Record<ShapeName, Shape>> = { twin: encodeTwin, expanded: encodeExpanded };
