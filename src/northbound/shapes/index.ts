import { cloudEventsShape } from './cloudevents.ts';
import { dittoShape } from './ditto.ts';
import { encodeExpanded } from './expanded.ts';
import { jsonShape } from './json-shape.ts';
import { opcuaPubSubShape } from './opcua-pubsub-json.ts';
import { pnpShape } from './pnp.ts';
import type { ShapeSetting } from './settings.ts';
import type { Shape, ShapeContext } from './shape.ts';
import { templateShape } from './template.ts';
import { encodeTwin } from './twin.ts';

type ShapeName = Extract<ShapeSetting, string>;

/** Every shape a message may leave in, with what its name alone stands for. One line each. */
const shapes: Readonly<Record<ShapeName, (context: ShapeContext) => Shape>> = {
  twin: jsonShape(encodeTwin),
  expanded: jsonShape(encodeExpanded),
  pnp: pnpShape,
  'opcua-pubsub-json': opcuaPubSubShape,
  cloudevents: (context) => cloudEventsShape('structured', context),
};

export function createShape(setting: ShapeSetting, context: ShapeContext): Shape {
  if (typeof setting === 'string') return shapes[setting](context);
  if ('ditto' in setting) return dittoShape(setting.ditto.namespace, context);
  if ('template' in setting) return templateShape(setting.template, context);
  return cloudEventsShape(setting.cloudevents.mode, context);
}
