/** What servers display (EUInformation, UNECE recommendation 20) in the words of DTDL. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['°C', 'degreeCelsius'],
  ['degC', 'degreeCelsius'],
  ['°F', 'degreeFahrenheit'],
  ['K', 'kelvin'],
  ['A', 'ampere'],
  ['mA', 'milliampere'],
  ['V', 'volt'],
  ['mV', 'millivolt'],
  ['kV', 'kilovolt'],
  ['W', 'watt'],
  ['kW', 'kilowatt'],
  ['MW', 'megawatt'],
  ['Wh', 'wattHour'],
  ['kWh', 'kilowattHour'],
  ['J', 'joule'],
  ['kJ', 'kilojoule'],
  ['Hz', 'hertz'],
  ['kHz', 'kilohertz'],
  ['Pa', 'pascal'],
  ['kPa', 'kilopascal'],
  ['bar', 'bar'],
  ['mbar', 'millibar'],
  ['psi', 'poundPerSquareInch'],
  ['m', 'metre'],
  ['mm', 'millimetre'],
  ['cm', 'centimetre'],
  ['km', 'kilometre'],
  ['in', 'inch'],
  ['m/s', 'metrePerSecond'],
  ['km/h', 'kilometrePerHour'],
  ['rpm', 'revolutionPerMinute'],
  ['r/min', 'revolutionPerMinute'],
  ['1/min', 'revolutionPerMinute'],
  ['s', 'second'],
  ['ms', 'millisecond'],
  ['min', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
  ['g', 'gram'],
  ['kg', 'kilogram'],
  ['t', 'tonne'],
  ['l', 'litre'],
  ['L', 'litre'],
  ['ml', 'millilitre'],
  ['m³', 'cubicMetre'],
  ['l/min', 'litrePerMinute'],
  ['l/h', 'litrePerHour'],
  ['m³/h', 'cubicMetrePerHour'],
  ['N', 'newton'],
  ['N·m', 'newtonMetre'],
  ['Nm', 'newtonMetre'],
  ['Ω', 'ohm'],
  ['lx', 'lux'],
  ['%', 'percent'],
  ['°', 'degreeOfArc'],
  ['rad', 'radian'],
]);

const MAX_LENGTH = 64;

/** The unit of an EUInformation; what no table knows stays as the server displays it. */
export function unitOf(information: unknown): string | undefined {
  if (typeof information !== 'object' || information === null || !('displayName' in information)) return undefined;
  const { displayName } = information;
  const text =
    typeof displayName === 'object' && displayName !== null && 'text' in displayName ? String(displayName.text ?? '') : '';
  const unit = WORDS.get(text.trim()) ?? text.trim();
  return unit === '' || unit.length > MAX_LENGTH ? undefined : unit;
}
