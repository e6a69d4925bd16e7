import type { Remark } from '../../model/declaration.ts';
import type { ShapeSetting } from './settings.ts';

export interface ShapeSurroundings {
  /** Whether something can be said beside the payload; not on MQTT 3.1.1. */
  readonly hasProperties: boolean;
}

/** What a shape needs of the hub. */
export function checkShape(shape: ShapeSetting, { hasProperties }: ShapeSurroundings): readonly Remark[] {
  if (hasProperties || typeof shape === 'string' || shape.cloudevents.mode === 'structured') return [];
  const message = 'the binary mode of CloudEvents needs the user properties of MQTT 5';
  return [{ severity: 'error', key: 'shape', message, hint: 'say `protocol: 5`, or take the mode `structured`' }];
}
