/**
 * One value of a point. 64-bit integers are bigint from the wire to the encoder. A date-time is its ISO 8601 UTC text, bytes
 * are their base64 text, a GUID its canonical text: what JSON can carry without loss, except NaN and the infinities, which
 * stay numbers until the assembler turns them into `null` with quality `bad`.
 */
export type Value = boolean | number | bigint | string;
