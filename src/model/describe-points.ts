import type { OperatorDeclaration, ProtocolDeclaration } from './declaration.ts';
import type { DevicePlan, PointPlan } from './plan.ts';
import type { PointDescription } from './point-description.ts';

/** What a device sends, as far as its mapping tells: after the operators, by the names that messages have. `operators`: in their order. */
export function describePoints(
  { points }: DevicePlan,
  protocol: Pick<ProtocolDeclaration, 'typeOf'>,
  operators: readonly OperatorDeclaration[],
): readonly PointDescription[] {
  return points.flatMap((plan) =>
    operators.reduce<readonly PointDescription[]>(
      (described, { describe }) => (describe === undefined ? described : described.flatMap((one) => describe(plan.keys, one))),
      [describeRaw(plan, protocol)],
    ),
  );
}

function describeRaw({ point, description, write }: PointPlan, protocol: Pick<ProtocolDeclaration, 'typeOf'>): PointDescription {
  const { name, kind, unit, type: written, address } = point;
  const type = address === undefined ? written : (protocol.typeOf?.(point as never) ?? written);
  return {
    ...{ name, kind },
    ...(type === undefined ? {} : { type }),
    ...(unit === undefined ? {} : { unit }),
    ...(description === undefined ? {} : { description }),
    ...(write === undefined ? {} : { write }),
  };
}
