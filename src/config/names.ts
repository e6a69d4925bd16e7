import { z } from 'zod';

/** Names that leave the gateway; DTDL v3 gives the rules for points and models, MQTT topics those for twins. */
const POINT_NAME = /^[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?$/;
const MAX_POINT_NAME = 512;
const DTMI =
  /^dtmi:[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?(?::[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?)*(?:;[1-9]\d{0,8}(?:\.[1-9]\d{0,5})?)?$/;
const IDENTIFIER = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,127})$/;
const LABEL = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export function isPointName(name: string): boolean {
  return name.length <= MAX_POINT_NAME && POINT_NAME.test(name);
}

export const POINT_NAME_RULE = 'letters, digits and `_`, a letter first, no `_` at the end, at most 512 characters (DTDL)';

const TWO_LETTERS: Readonly<Record<string, string>> = {
  ä: 'ae',
  ö: 'oe',
  ü: 'ue',
  ß: 'ss',
  Ä: 'Ae',
  Ö: 'Oe',
  Ü: 'Ue',
  æ: 'ae',
  ø: 'oe',
  å: 'aa',
};

/** With letters without marks where there are such, as people write them who have no others. */
export function toAscii(name: string): string {
  const spelt = name.normalize('NFC').replaceAll(/[äöüßÄÖÜæøå]/g, (letter) => TWO_LETTERS[letter] ?? letter);
  return spelt.normalize('NFD').replaceAll(/\p{M}/gu, '');
}

/** Twins, gateways, hubs and connections. */
export function identifier() {
  return z.string().regex(IDENTIFIER, 'letters, digits, `-`, `_` and `.`, a letter or digit first, at most 128 characters');
}

export function isIdentifier(name: string): boolean {
  return IDENTIFIER.test(name);
}

export function modelId() {
  return z.string().max(128).regex(DTMI, 'a DTMI, e.g. `dtmi:com:acme:Press;1`');
}

export function labels() {
  return z.record(
    z.string().regex(LABEL, 'letters, digits, `-` and `_`, a letter first, at most 64 characters'),
    z.string().max(256),
  );
}
