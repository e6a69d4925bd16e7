import { createConnector } from '../connectors/modbus/connector.ts';
import type { DataType } from '../src/model/data-type.ts';
import type { Value } from '../src/model/value.ts';
import { planOf, pointNamed } from '../test/connectors/modbus/modbus-plan.ts';
import { type ConnectorFixture, describeConnector } from '../test/contract/connector.ts';

/**
 * The contract of connectors on real adapters and devices. Each variable holds a JSON object:
 *   connection  keys of the connection, e.g. {"port":"/dev/serial/by-id/…","baudRate":9600,"parity":"none"} or {"host":"10.20.0.17"}
 *   device      keys of the device, e.g. {"unit":1}
 *   known       two registers or coils with the value they hold: [[{"address":{"holding":0},"type":"uint16"}, 17], …]
 *   writable    one that may be written, and a value: [{"address":{"holding":9},"type":"uint16"}, 5]
 *   missing     one that the device does not have: {"address":{"holding":60000},"type":"uint16"}
 */
interface Bench {
  readonly connection: Readonly<Record<string, unknown>>;
  readonly device: Readonly<Record<string, unknown>>;
  readonly known: readonly (readonly [point: BenchPoint, value: Value])[];
  readonly writable: readonly [point: BenchPoint, value: Value];
  readonly missing: BenchPoint;
}

type BenchPoint = Readonly<Record<string, unknown>> & { readonly address: unknown; readonly type?: DataType };

const BENCHES = {
  'modbus-rtu': 'FIELDMARSHAL_HW_MODBUS_RTU',
  'modbus-tcp': 'FIELDMARSHAL_HW_MODBUS_TCP',
  'modbus-rtu-over-tcp': 'FIELDMARSHAL_HW_MODBUS_RTU_OVER_TCP',
} as const;

for (const [protocol, variable] of Object.entries(BENCHES)) {
  const text = process.env[variable];
  if (text === undefined)
    it(`${protocol} on real hardware: set ${variable} to a JSON object as hardware-tests/modbus.hw.ts describes`);
  else
    describeConnector(`${protocol} on real hardware`, async () =>
      fixtureOf(protocol as keyof typeof BENCHES, JSON.parse(text) as Bench),
    );
}

function fixtureOf(protocol: keyof typeof BENCHES, { connection, device, known, writable, missing }: Bench): ConnectorFixture {
  const polled = Object.fromEntries(known.map(([point], index) => [`known${index}`, { ...point, intervalMs: 200 }]));
  const points = {
    ...polled,
    writable: { ...writable[0], access: 'read-write', intervalMs: 200 },
    missing: { ...missing, access: 'read-write', intervalMs: 200 },
  } as const;
  const plan = planOf(protocol, connection, { bench: { settings: device, points } });
  return {
    plan,
    create: createConnector,
    known: known.map(([, value], index) => [pointNamed(plan, `known${index}`), value] as const),
    writable: { point: pointNamed(plan, 'writable'), value: writable[1] },
    missing: pointNamed(plan, 'missing'),
    dispose: () => {},
  };
}
