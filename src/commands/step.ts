/** A decimal number as people write it: `digits` times ten to the power of `exponent`. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** Whether the value lies a whole number of steps from `origin`, exactly as the decimals say: 0.3 is three steps of 0.1. */
export function isOnStep(value: number | bigint, step: number, origin: number): boolean {
  const decimals = [value, step, origin].map(decimalOf);
  const exponent = Math.min(...decimals.map((decimal) => decimal.exponent));
  const [scaledValue = 0n, scaledStep = 0n, scaledOrigin = 0n] = decimals.map((decimal) => scaled(decimal, exponent));
  return scaledStep !== 0n && (scaledValue - scaledOrigin) % scaledStep === 0n;
}

function decimalOf(value: number | bigint): Decimal {
  const [mantissa = '0', power = '0'] = String(value).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

function scaled({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to);
}
