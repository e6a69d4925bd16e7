/** Register list of every Modbus unit of the scenarios; all holding registers, numbers count from 0. */
export const REGISTERS = {
  /** uint32: how often it was read. */
  polls: 0,
  /** uint16, writable */
  setpoint: 2,
  /** Text that only makes messages large. */
  ballast: 3,
  ballastLength: 100,
} as const;

export const OPCUA_NAMESPACE = 'urn:scenario:plant';

export interface PlantSettings {
  readonly kind: 'modbus-tcp' | 'modbus-rtu' | 'opcua';
  /** 0: any that is free. */
  readonly port?: number;
  /** The serial line's name. */
  readonly link?: string;
  readonly units?: readonly number[];
  /** Counters go on from here. */
  readonly countFrom?: number;
}

export type PlantQuestion =
  | { readonly ask: 'silence'; readonly unit: number }
  | { readonly ask: 'mend' }
  | { readonly ask: 'state' };

export interface PlantAnswer {
  readonly unit: number;
  /** Answered so far. */
  readonly polls: number;
  readonly writes: number;
  readonly setpoint: number;
}
