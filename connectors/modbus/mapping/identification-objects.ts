/** Objects of the device identification (Modbus Application Protocol 1.1b3, section 6.21), in the order of their numbers. */
export const IDENTIFICATION_NAMES = [
  'vendorName',
  'productCode',
  'majorMinorRevision',
  'vendorUrl',
  'productName',
  'modelName',
  'userApplicationName',
] as const;
export type IdentificationName = (typeof IDENTIFICATION_NAMES)[number];

/** The number of an object by its name; numbers of a maker's own objects stay. */
export function identificationObject(wanted: IdentificationName | number): number {
  return typeof wanted === 'number' ? wanted : IDENTIFICATION_NAMES.indexOf(wanted);
}

/** The least category whose stream has the object: basic, regular or extended. */
export function categoryOf(object: number): 1 | 2 | 3 {
  if (object <= 2) return 1;
  return object <= 6 ? 2 : 3;
}
