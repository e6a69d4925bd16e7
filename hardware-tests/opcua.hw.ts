import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnector } from '../connectors/opcua/connector.ts';
import type { Value } from '../src/model/value.ts';
import { makePlan, planPoint } from '../test/connectors/opcua/support.ts';
import { describeConnector } from '../test/contract/connector.ts';

/**
 * A server that is real, as a JSON file says:
 * { "connection": { "url": "opc.tcp://10.20.0.17:4840", "security": { "policy": "none" }, "insecure": true },
 *   "known": [["nsu=urn:acme:press;s=Serial", "4711"], ["nsu=urn:acme:press;s=Type", 3]],
 *   "writable": ["nsu=urn:acme:press;s=Test.Setpoint", 42] }
 * The known values must stand still, with a source time of less than a minute ago; the writable one is written.
 */
interface Device {
  readonly connection: Readonly<Record<string, unknown>>;
  readonly known: readonly (readonly [address: string, value: Value])[];
  readonly writable: readonly [address: string, value: Value];
}

const file = process.env.FIELDMARSHAL_HW_OPCUA;
const MISSING = 'nsu=urn:fieldmarshal:nobody;s=Missing';

if (file === undefined) {
  it('OPC UA server (pending: set FIELDMARSHAL_HW_OPCUA to a JSON file as hardware-tests/opcua.hw.ts describes it)');
} else {
  const device = JSON.parse(readFileSync(file, 'utf8')) as Device;
  // One directory for all tests, so that the server trusts one certificate of ours; said, so that its server can be trusted.
  const stateDirectory = process.env.FIELDMARSHAL_HW_STATE ?? mkdtempSync(join(tmpdir(), 'opcua-hw-'));
  describeConnector(`OPC UA server of ${file} (state in ${stateDirectory})`, async () => {
    const keys = (address: string) => ({ address, interval: 200 });
    const known = device.known.map(([address, value], at) => [`known${at}`, address, value] as const);
    const [writableAddress, writableValue] = device.writable;
    const points = {
      ...Object.fromEntries(known.map(([name, address]) => [name, keys(address)])),
      writable: { ...keys(writableAddress), access: 'read-write' as const },
      missing: keys(MISSING),
    };
    return {
      plan: makePlan(device.connection, { device: points }),
      create: createConnector,
      stateDirectory,
      known: known.map(([name, address, value]) => [planPoint('device', name, keys(address)).point, value] as const),
      writable: { point: planPoint('device', 'writable', keys(writableAddress)).point, value: writableValue },
      missing: planPoint('device', 'missing', keys(MISSING)).point,
      dispose: () => {},
    };
  });
}
