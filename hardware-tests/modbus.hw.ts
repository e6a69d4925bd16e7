import assert from 'node:assert/strict';
import { createConnector } from '../connectors/modbus/connector.ts';
import type { DataType } from '../src/model/data-type.ts';
import type { Value } from '../src/model/value.ts';
import { planOf, pointNamed } from '../test/connectors/modbus/modbus-plan.ts';
import { openRig } from '../test/connectors/modbus/rig.ts';
import { type ConnectorFixture, describeConnector } from '../test/contract/connector.ts';

/**
 * The contract of connectors on real adapters and devices. Each variable holds a JSON object:
 *   connection  keys of the connection, e.g. {"port":"/dev/serial/by-id/…","baudRate":9600,"parity":"none"} or {"host":"10.20.0.17"}
 *   device      keys of the device, e.g. {"unit":1}
 *   known       two registers or coils with the value they hold: [[{"address":{"holding":0},"type":"uint16"}, 17], …]
 *   writable    one that may be written, and a value: [{"address":{"holding":9},"type":"uint16"}, 5]
 *   missing     one that the device does not have: {"address":{"holding":60000},"type":"uint16"}
 * and, where the device can do it:
 *   bit         a bit of a register that may be written both ways: {"address":{"holding":9,"bit":3}}
 *   vendorName  as the device itself gives it (function 43/14): "ACME"
 */
interface Bench {
  readonly connection: Readonly<Record<string, unknown>>;
  readonly device: Readonly<Record<string, unknown>>;
  readonly known: readonly (readonly [point: BenchPoint, value: Value])[];
  readonly writable: readonly [point: BenchPoint, value: Value];
  readonly missing: BenchPoint;
  readonly bit?: BenchPoint;
  readonly vendorName?: string;
}

type BenchPoint = Readonly<Record<string, unknown>> & { readonly address: unknown; readonly type?: DataType };

const BENCHES = {
  'modbus-rtu': 'FIELDMARSHAL_HW_MODBUS_RTU',
  'modbus-tcp': 'FIELDMARSHAL_HW_MODBUS_TCP',
  'modbus-rtu-over-tcp': 'FIELDMARSHAL_HW_MODBUS_RTU_OVER_TCP',
  'modbus-ascii': 'FIELDMARSHAL_HW_MODBUS_ASCII',
} as const;

for (const [protocol, variable] of Object.entries(BENCHES)) {
  const text = process.env[variable];
  if (text === undefined)
    it(`${protocol} on real hardware: set ${variable} to a JSON object as hardware-tests/modbus.hw.ts describes`);
  else {
    const bench = JSON.parse(text) as Bench;
    describeConnector(`${protocol} on real hardware`, async () => fixtureOf(protocol as keyof typeof BENCHES, bench));
    describeAbilities(protocol as keyof typeof BENCHES, bench);
  }
}

/** What not every device can do: pending where the bench does not name it. */
function describeAbilities(protocol: keyof typeof BENCHES, { connection, device, bit, vendorName }: Bench): void {
  const open = (point: BenchPoint) =>
    openRig(planOf(protocol, connection, { bench: { settings: device, points: { point: { ...point, access: 'read-write' } } } }));

  describe(`${protocol} on real hardware: what not every device can do`, () => {
    it('changes one bit of a register and no other (pending without `bit`)', async function () {
      if (bit === undefined) return this.skip();
      const { session, value, write } = await open(bit);
      const before = await value('point');
      for (const wanted of [!before, before === true]) {
        assert.deepEqual(await write('point', wanted), { written: true });
        assert.equal(await value('point'), wanted);
      }
      await session.close();
    });

    it('gives the name of its vendor (pending without `vendorName`)', async function () {
      if (vendorName === undefined) return this.skip();
      const plan = planOf(protocol, connection, {
        bench: { settings: device, points: { vendor: { address: { identification: 'vendorName' } } } },
      });
      const { session, value } = await openRig(plan);
      assert.equal(await value('vendor'), vendorName);
      await session.close();
    });
  });
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
