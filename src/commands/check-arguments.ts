import type { ArgumentPlan, MethodPlan } from '../model/plan.ts';
import { isArray, isCompound, type Value } from '../model/value.ts';
import { checkValue } from './check-value.ts';
import { parseWide, toTyped } from './device-value.ts';
import { type Finding, finding, toFinding } from './finding.ts';

/** The arguments as the device takes them, in the order of the mapping, or everything that is wrong with them in one finding. */
export function checkArguments(
  { name, arguments: plans }: MethodPlan,
  given: Readonly<Record<string, Value>>,
): { readonly values: readonly Value[] } | Finding {
  const known = new Map(Object.entries(given));
  const values: Value[] = [];
  const findings: Finding[] = [];
  for (const plan of plans) {
    const value = known.get(plan.name);
    const checked = value === undefined ? missing(plan) : checkArgument(plan, value);
    if (isFinding(checked)) findings.push(checked);
    else values.push(checked.value);
    known.delete(plan.name);
  }
  for (const unknown of known.keys()) findings.push(finding('COMMAND_INVALID', `${name} takes no argument \`${unknown}\``));
  const [first] = findings;
  return first === undefined ? { values } : finding(first.code, findings.map(({ message }) => message).join('; '));
}

function missing(plan: ArgumentPlan): Finding {
  return finding('COMMAND_INVALID', `the argument \`${plan.name}\` is missing: expected ${expected(plan)}`);
}

function expected({ type, isArray: isList }: ArgumentPlan): string {
  return isList ? `a list of ${type}` : `one ${type}`;
}

function checkArgument(plan: ArgumentPlan, told: Value): { readonly value: Value } | Finding {
  const { name, type, isArray: isList } = plan;
  const elements = isArray(told) ? told : [told];
  const isStructure = (value: Value | null) => isCompound(value) && !isArray(value);
  if (isList !== isArray(told) || elements.some((value) => isStructure(value) !== (type === 'structure') || isArray(value))) {
    return finding('VALUE_TYPE', `argument \`${name}\`: expected ${expected(plan)}`);
  }
  const scalar = type === 'structure' ? undefined : type;
  const wanted = parseWide(scalar, told);
  const refused = checkValue(plan, wanted);
  if (refused !== undefined) return finding(refused.code, `argument \`${name}\`: ${refused.message}`);
  try {
    return { value: toTyped(scalar, name, wanted) };
  } catch (error) {
    const { code, message } = toFinding(error);
    return finding(code, `argument \`${name}\`: ${message}`);
  }
}

function isFinding(checked: { readonly value: Value } | Finding): checked is Finding {
  return 'code' in checked;
}
