/** Whether a number is a whole one divided by `parts` (10, 100, 1 000), other than zero and of 32 bits at most. */
export function isDecimal(value: number, parts: number): boolean {
  const whole = Math.round(value * parts);
  return whole === (whole | 0) && whole / parts === value && whole !== 0;
}

/** How many characters `String` makes of a number, which takes far longer to make them. */
export function charactersOf(value: number): number {
  if (value === (value | 0)) return wholeCharacters(value);
  if (isDecimal(value, 10)) return 2 + pointCharacters(value);
  if (isDecimal(value, 100)) return 3 + pointCharacters(value);
  if (isDecimal(value, 1_000)) return 4 + pointCharacters(value);
  return String(value).length;
}

/** Before the point. */
function pointCharacters(value: number): number {
  return wholeCharacters(Math.trunc(value)) + (value < 0 && value > -1 ? 1 : 0);
}

function wholeCharacters(whole: number): number {
  let characters = whole < 0 ? 2 : 1;
  for (let rest = Math.abs(whole); rest >= 10; rest = Math.trunc(rest / 10)) characters += 1;
  return characters;
}
