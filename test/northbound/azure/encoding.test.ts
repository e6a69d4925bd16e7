import assert from 'node:assert/strict';
import { decodeBag, encodeBag } from '../../../src/northbound/dialects/azure-iot-hub/property-bag.ts';
import { deriveKey, sasToken } from '../../../src/northbound/dialects/azure-iot-hub/sas-token.ts';
import { telemetryTopic } from '../../../src/northbound/dialects/azure-iot-hub/topics.ts';
import { GROUP_KEY, KEY } from '../../support/azure/plant.ts';
import { checkSas } from '../../support/azure/sas-check.ts';

const EXPIRES_MS = 1_767_225_600_000;
const key = Buffer.from(KEY, 'base64');
const groupKey = Buffer.from(GROUP_KEY, 'base64');

describe('tokens for Azure', () => {
  for (const [title, resource, sr, sig] of [
    [
      'a device',
      'plant-hub.azure-devices.net/devices/gw-01',
      'plant-hub.azure-devices.net%2Fdevices%2Fgw-01',
      'W%2FRubkT4RsbN54RoO4jbwrTUKBi2Ce%2FPW10mV1Itrj0%3D',
    ],
    [
      'a module',
      'plant-hub.azure-devices.net/devices/gw-01/modules/opcua',
      'plant-hub.azure-devices.net%2Fdevices%2Fgw-01%2Fmodules%2Fopcua',
      'YAMQTEtbhDX7GVXTeliNWgyYqJvpP9eTLz%2BBC2S5Dgs%3D',
    ],
    [
      'an awkward id',
      'plant-hub.azure-devices.net/devices/dev A+1',
      'plant-hub.azure-devices.net%2Fdevices%2Fdev%20A%2B1',
      'PCu87tNDeQNYDQYht%2Fxyk%2Be2pQRxqdcMQcLkIxt8Aq8%3D',
    ],
  ] as const) {
    it(`are signed as the documents say: ${title}`, () => {
      const token = sasToken({ resource, key, expiresTimeMs: EXPIRES_MS });
      assert.equal(token, `SharedAccessSignature sr=${sr}&sig=${sig}&se=1767225600`);
    });
  }

  it('have the key of a group derived for each registration, upper case apart from lower case', () => {
    const derived = (id: string) => Buffer.from(deriveKey(groupKey, id)).toString('base64');
    assert.equal(derived('gw-01'), '+iaV73KEelglBAZPMN/8Zpu0bqDhbNY600gHZe63jGg=');
    assert.equal(derived('GW-01'), 'lZ7/GkULDWqq1X1+yAhGMehbet9QF1YZ7MqBv4S40to=');
  });

  it('name the policy of the provisioning service', () => {
    const resource = '0ne00ABCDEF/registrations/gw-01';
    const token = sasToken({ resource, key: deriveKey(groupKey, 'gw-01'), expiresTimeMs: EXPIRES_MS, policy: 'registration' });
    assert.equal(
      token,
      'SharedAccessSignature sr=0ne00ABCDEF%2Fregistrations%2Fgw-01&sig=jK0lWnwfOyzyNhXbHeucdC2Eh4JlqVv%2BAZrxzjOrD6A%3D&skn=registration&se=1767225600',
    );
  });

  it('are taken by a hub until they end, and by no other', () => {
    const token = sasToken({ resource: '127.0.0.1/devices/gw-01', key, expiresTimeMs: EXPIRES_MS });
    const check = (more: Partial<Parameters<typeof checkSas>[1]>) =>
      checkSas(token, { resource: '127.0.0.1/devices/gw-01', keys: [KEY], nowMs: EXPIRES_MS - 1, ...more });
    assert.equal(check({}), EXPIRES_MS);
    assert.equal(check({ nowMs: EXPIRES_MS }), 'it has expired');
    assert.equal(check({ keys: [GROUP_KEY] }), 'the signature is wrong');
    assert.match(String(check({ resource: '127.0.0.1/devices/gw-02' })), /^sr is/);
  });
});

describe('property bags', () => {
  const bag = {
    '$.mid': '01J8Z3-7',
    '$.ct': 'application/json;charset=utf-8',
    '$.ce': 'utf-8',
    '$.ctime': '2026-01-01T00:00:00.000Z',
    '$.sub': 'press_07',
    site: 'Plant A+B/#1',
    unit: '°C',
    empty: '',
    flag: null,
  };

  it('stand encoded at the end of the topic', () => {
    assert.equal(
      telemetryTopic('gw-01', bag),
      'devices/gw-01/messages/events/%24.mid=01J8Z3-7&%24.ct=application%2Fjson%3Bcharset%3Dutf-8&%24.ce=utf-8&%24.ctime=2026-01-01T00%3A00%3A00.000Z&%24.sub=press_07&site=Plant%20A%2BB%2F%231&unit=%C2%B0C&empty=&flag',
    );
    assert.deepEqual(decodeBag(encodeBag(bag)), bag);
  });

  it('are read as the hub writes them', () => {
    const text =
      '%24.mid=m-17&%24.to=%2Fdevices%2Fgw-01%2Fmessages%2FdeviceBound&%24.ct=application%2Fjson&prop1&prop2=&prop3=a%20string';
    assert.deepEqual(decodeBag(text), {
      '$.mid': 'm-17',
      '$.to': '/devices/gw-01/messages/deviceBound',
      '$.ct': 'application/json',
      prop1: null,
      prop2: '',
      prop3: 'a string',
    });
    assert.equal(decodeBag('a=%zz'), undefined);
  });
});
