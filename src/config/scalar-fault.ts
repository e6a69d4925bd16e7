interface ScalarFault {
  readonly message: string;
  readonly hint: string;
}

/** Around the whole text: what word processors make of quotes. */
const TYPOGRAPHIC = /^[\u201c\u201d\u201e\u2018\u2019].*[\u201c\u201d\u2018\u2019]$/s;

/** Plain scalars that YAML 1.2 takes for another value than the one who wrote them meant. */
export function findScalarFault(value: unknown, source: string): ScalarFault | undefined {
  if (TYPOGRAPHIC.test(source))
    return { message: 'these quotes are part of the text', hint: 'write them as on the keyboard: `"`' };
  if (typeof value !== 'number') return undefined;
  if (/^[-+]?0\d+$/.test(source)) return leadingZero(value, source);
  if (!Number.isFinite(value))
    return { message: `\`${source}\` is not a finite number`, hint: 'write a finite number, or quotes for text' };
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && /^[-+]?\d+$/.test(source)) {
    return { message: `\`${source}\` has more digits than can be kept (2^53)`, hint: 'write it in quotes if it is text' };
  }
  return undefined;
}

function leadingZero(value: number, source: string): ScalarFault {
  const octal = /^[0-7]+$/.test(source) ? `0o${source.replace(/^0+(?=.)/, '')}` : undefined;
  const hint = `write \`${value}\`${octal === undefined ? '' : `, \`${octal}\` for octal,`} or quotes for text`;
  return { message: `\`${source}\` has a leading zero; YAML reads it as decimal ${value}`, hint };
}
