import assert from 'node:assert/strict';
import { Interner } from '../../src/config/interner.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { declarations } from '../support/declarations.ts';

describe('the interner', () => {
  it('gives one object for all that are equal, and another for every other', () => {
    const interner = new Interner();
    const first = interner.of({ scale: 0.1, send: { deadband: 1 } });
    assert.equal(interner.of({ scale: 0.1, send: { deadband: 1 } }), first);
    assert.notEqual(interner.of({ scale: 0.1, send: { deadband: 2 } }), first);
    assert.notEqual(interner.of({ values: [5n] }), interner.of({ values: ['5'] }));
    assert.equal(interner.of(undefined), undefined);
  });

  it('keeps every setting of points that share what is equal', async () => {
    const gateway = 'gateway: { id: plant-a }\nhubs: { cloud: { dialect: mqtt, url: mqtt://127.0.0.1 } }\n';
    const head = 'connection: { protocol: modbus-tcp, host: 127.0.0.1, unit: UNIT }\npoints:\n';
    const points = [
      'a: { address: { holding: 1 }, type: int16, scale: 0.1 }',
      'b: { address: { holding: 2 }, type: int16, scale: 0.1 }',
    ];
    const mapping = (twin: string, unit: number) =>
      `twin: ${twin}\n${head.replace('UNIT', String(unit))}  ${points.join('\n  ')}\n`;
    using configuration = new TemporaryConfiguration({
      'gateway.yaml': gateway,
      'mappings/press.yaml': mapping('press-07', 1),
      'mappings/other.yaml': mapping('press-08', 2),
    });
    const { plan } = await loadConfiguration(configuration.directory, declarations, { environment: {} });
    const plans = plan?.devices.flatMap((device) => device.points) ?? [];
    assert.deepEqual(
      plans.map(({ point: { id, name, device }, keys }) => ({ id, name, device, keys })),
      ['press-08/a', 'press-08/b', 'press-07/a', 'press-07/b'].map((id) => {
        const [device, name] = id.split('/');
        return { id, name, device, keys: { scale: 0.1 } };
      }),
    );
    assert.equal(new Set(plans.map(({ keys }) => keys)).size, 1, 'equal keys are one object');
    assert.equal(new Set(plans.map(({ point }) => point.address)).size, 2, 'equal addresses are one object');
  });
});
