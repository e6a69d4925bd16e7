/** Semantic type and unit of DTDL (QuantitativeTypes) for a unit as a mapping may name it, in the words of DTDL or of UCUM. */
export interface Quantity {
  readonly type: string;
  readonly unit: string;
}

/** `[type, unit of DTDL, other names]` */
const QUANTITIES: readonly (readonly [type: string, unit: string, ...others: readonly string[]])[] = [
  ['Temperature', 'degreeCelsius', 'Cel', '°C'],
  ['Temperature', 'degreeFahrenheit', '[degF]'],
  ['Temperature', 'kelvin', 'K'],
  ['Pressure', 'bar'],
  ['Pressure', 'millibar', 'mbar'],
  ['Pressure', 'pascal', 'Pa'],
  ['Pressure', 'kilopascal', 'kPa'],
  ['Voltage', 'volt', 'V'],
  ['Voltage', 'kilovolt', 'kV'],
  ['Voltage', 'millivolt', 'mV'],
  ['Current', 'ampere', 'A'],
  ['Current', 'milliampere', 'mA'],
  ['Power', 'watt', 'W'],
  ['Power', 'kilowatt', 'kW'],
  ['Power', 'megawatt', 'MW'],
  ['Energy', 'joule', 'J'],
  ['Energy', 'kilojoule', 'kJ'],
  ['Energy', 'kilowattHour', 'kW.h', 'kWh'],
  ['Frequency', 'hertz', 'Hz'],
  ['Velocity', 'metrePerSecond', 'm/s'],
  ['AngularVelocity', 'revolutionPerMinute', '{rev}/min'],
  ['Force', 'newton', 'N'],
  ['Torque', 'newtonMetre', 'N.m'],
  ['VolumeFlowRate', 'litrePerSecond', 'L/s'],
  ['VolumeFlowRate', 'cubicMetrePerHour', 'm3/h'],
  ['Volume', 'litre', 'L'],
  ['Volume', 'millilitre', 'mL'],
  ['Volume', 'cubicMetre', 'm3'],
  ['Length', 'metre', 'm'],
  ['Length', 'centimetre', 'cm'],
  ['Length', 'millimetre', 'mm'],
  ['Mass', 'kilogram', 'kg'],
  ['Mass', 'gram', 'g'],
  ['Mass', 'tonne', 't'],
  ['TimeSpan', 'second', 's'],
  ['TimeSpan', 'millisecond', 'ms'],
  ['TimeSpan', 'minute', 'min'],
  ['TimeSpan', 'hour', 'h'],
  ['Angle', 'degreeOfArc', 'deg'],
  ['Angle', 'radian', 'rad'],
];

const BY_NAME: ReadonlyMap<string, Quantity> = new Map(
  QUANTITIES.flatMap(([type, unit, ...others]) => [unit, ...others].map((name) => [name, { type, unit }] as const)),
);

export function quantityOf(unit: string): Quantity | undefined {
  return BY_NAME.get(unit);
}

export function allQuantities(): readonly Quantity[] {
  return [...BY_NAME.values()];
}
