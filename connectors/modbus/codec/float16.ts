/** Significant digits that tell any two half-precision numbers (IEEE 754: 11 bits) apart. */
const MAX_DIGITS = 5;

/** The shortest decimal that is the same float16, as people wrote it into the device: 0.1 and not 0.0999755859375. */
export function shortestFloat16(value: number): number {
  if (!Number.isFinite(value) || Number.isInteger(value)) return value;
  for (let digits = 1; digits < MAX_DIGITS; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.f16round(short) === value) return short;
  }
  return Number(value.toPrecision(MAX_DIGITS));
}
