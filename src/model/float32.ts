/** Significant digits that a float32 (IEEE 754: 24 bits) always holds, and that tell any two apart. */
const SAFE_DIGITS = 6;
const MAX_DIGITS = 9;
/** Below it a float32 has fewer bits, and holds fewer digits. */
const SMALLEST_NORMAL = 2 ** -126;
const EXACT_BELOW = 2 ** 24;
/** The powers of ten that a double holds exactly: a whole number by one of them is the double nearest to that decimal. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/**
 * The shortest decimal that is the same float32, as people wrote it into the device: 0.1 and not 0.10000000149011612. Takes what a
 * float32 was read as; NaN, infinities and negative zero stay.
 */
export function shortestFloat32(value: number): number {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < EXACT_BELOW)) return value;
  const short = byArithmetic(Math.abs(value));
  return short === undefined ? byText(value) : Math.sign(value) * short;
}

/** Without the text that costs ten times as much; `undefined` where a double cannot hold the power of ten. */
function byArithmetic(value: number): number | undefined {
  const exponent = Math.floor(Math.log10(value));
  for (let digits = SAFE_DIGITS; digits <= MAX_DIGITS; digits += 1) {
    const decimals = digits - 1 - exponent;
    const power = POWERS[Math.abs(decimals)];
    if (power === undefined) return undefined;
    const short = decimals >= 0 ? Math.round(value * power) / power : Math.round(value / power) * power;
    if (Math.fround(short) === value) return short;
  }
  return undefined;
}

function byText(value: number): number {
  const fewest = Math.abs(value) < SMALLEST_NORMAL ? 1 : SAFE_DIGITS;
  for (let digits = fewest; digits < MAX_DIGITS; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(MAX_DIGITS));
}
