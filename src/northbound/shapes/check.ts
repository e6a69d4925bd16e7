import type { Remark } from '../../model/declaration.ts';
import type { ShapeSetting } from './settings.ts';
import { type TemplateSettings, templateNames } from './template.ts';
import { bodyFaults } from './template-body.ts';

export interface ShapeSurroundings {
  /** Whether something can be said beside the payload; not on MQTT 3.1.1. */
  readonly hasProperties: boolean;
  /** Whether what describes a twin has a topic of its own, so that it can be retained. */
  readonly hasKindInTopic: boolean;
  /** Names of all labels; absent: not known yet, and not checked. */
  readonly labels?: readonly string[] | undefined;
}

/** What a shape needs of the hub. */
export function checkShape(shape: ShapeSetting, { hasProperties, hasKindInTopic, labels }: ShapeSurroundings): readonly Remark[] {
  if (typeof shape === 'object' && 'template' in shape) return checkTemplate(shape.template, labels);
  if (shape === 'opcua-pubsub-json' && !hasKindInTopic) {
    const message = 'the metadata of `opcua-pubsub-json` is retained, and needs a topic of its own';
    return [{ severity: 'error', key: 'topic', message, hint: 'put `{kind}` into `topic`; there it is `metadata`' }];
  }
  return hasProperties ? [] : checkWithoutProperties(shape);
}

function checkWithoutProperties(shape: ShapeSetting): readonly Remark[] {
  const where = { key: 'shape' } as const;
  if (typeof shape === 'object' && 'cloudevents' in shape && shape.cloudevents.mode === 'binary') {
    const message = 'the binary mode of CloudEvents needs the user properties of MQTT 5';
    return [{ ...where, severity: 'error', message, hint: 'say `protocol: 5`, or take the mode `structured`' }];
  }
  if (shape !== 'pnp') return [];
  const message = '`pnp` says times, qualities and numbers of messages in user properties, which MQTT 3.1.1 does not have';
  return [{ ...where, severity: 'warning', message, hint: 'say `protocol: 5`' }];
}

function checkTemplate({ each, body }: TemplateSettings, labels: readonly string[] | undefined): readonly Remark[] {
  if (labels === undefined) return [];
  return bodyFaults(body, [...templateNames(each), ...labels]).map(({ path, message, hint }) => ({
    severity: 'error',
    key: ['shape', 'template', 'body', ...path].join('.'),
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
}
