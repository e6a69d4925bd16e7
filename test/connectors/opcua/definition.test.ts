import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { opcua } from '../../../connectors/opcua/definition.ts';
import { connectionSchema, type OpcuaSettings, pointSchema } from '../../../connectors/opcua/mapping/settings.ts';
import type { Remark } from '../../../src/model/declaration.ts';
import { Secret } from '../../../src/model/secret.ts';
import { makePlan, type PointKeys } from './support.ts';

const settings = (keys: Readonly<Record<string, unknown>>): OpcuaSettings =>
  connectionSchema.parse({ url: 'opc.tcp://press-07:4840', ...keys });

function check(keys: Readonly<Record<string, unknown>>, points: Readonly<Record<string, PointKeys>> = {}): readonly Remark[] {
  return opcua.check(makePlan({ url: 'opc.tcp://press-07:4840', ...keys }, { press: points }) as never);
}

const endpoint = (keys: Readonly<Record<string, unknown>>): string => opcua.endpoint(settings(keys) as never);

describe('OPC UA keys', () => {
  it('asks for signing and encryption with the best policy unless told otherwise', () => {
    assert.deepEqual(settings({}).security, { policy: 'best' });
    assert.deepEqual(check({}), []);
  });

  it('refuses policy none to another machine', () => {
    const [remark] = check({ security: { policy: 'none' } });
    assert.equal(remark?.severity, 'error');
    assert.match(remark?.message ?? '', /press-07/);
  });

  it('takes policy none to this machine, or where it is said to be insecure', () => {
    for (const url of ['opc.tcp://127.0.0.1:4840', 'opc.tcp://localhost:4840/UA', 'opc.tcp://[::1]:4840']) {
      assert.deepEqual(check({ url, security: { policy: 'none' } }), []);
    }
    assert.deepEqual(check({ security: { policy: 'none' }, insecure: true }), []);
  });

  it('refuses to send a password readable, unless it is said to be insecure', () => {
    const user = { name: 'operator', password: new Secret('test', Buffer.from('canary')) };
    const open = { url: 'opc.tcp://127.0.0.1:4840', security: { policy: 'none' }, user };
    assert.match(check(open)[0]?.message ?? '', /password of operator/);
    assert.deepEqual(check({ ...open, insecure: true }), []);
  });

  it('refuses a policy without a mode, and a mode without a policy', () => {
    assert.equal(check({ security: { policy: 'best', mode: 'none' } })[0]?.severity, 'error');
    assert.equal(check({ security: { policy: 'none', mode: 'sign' }, insecure: true })[0]?.severity, 'error');
  });

  it('refuses a keep-alive that outlives the session', () => {
    assert.equal(check({ keepAlive: '30 s', sessionTimeout: '60 s' })[0]?.key, 'keepAlive');
  });

  it('warns of a namespace index', () => {
    const [remark] = check({}, { speed: { address: 'ns=2;s=Speed' } });
    assert.deepEqual([remark?.severity, remark?.point, remark?.key], ['warning', 'speed', 'address']);
    assert.deepEqual(check({}, { clock: { address: 'i=2258' } }), []);
  });

  it('warns of keys that only a subscription has', () => {
    assert.equal(check({}, { speed: { read: 'poll', serverDeadband: { absolute: 1 } } })[0]?.key, 'read');
  });

  it('says what is wrong with an address', () => {
    const { error } = pointSchema.safeParse({ address: 'Line1.Speed' });
    assert.match(error?.issues[0]?.message ?? '', /nsu=/);
  });

  for (const url of ['http://x:1', 'opc.tcp://', 'opc.tcp://a b:4840', 'opc.tcp://user:pass@host:4840', '10.0.0.1']) {
    it(`refuses the URL ${url}`, () => assert.equal(connectionSchema.safeParse({ url }).success, false));
  }

  it('knows one endpoint by one text, and two users as two', () => {
    assert.equal(endpoint({ url: 'opc.tcp://Press-07/' }), 'opc.tcp://press-07:4840');
    assert.equal(endpoint({ url: 'opc.tcp://press-07:4840' }), 'opc.tcp://press-07:4840');
    assert.equal(endpoint({ url: 'opc.tcp://[::1]:4841/UA/Server' }), 'opc.tcp://[::1]:4841/UA/Server');
  });

  it('loads no library before a mapping uses it', () => {
    const script = `await import(${JSON.stringify(import.meta.resolve('../../../connectors/opcua/definition.ts'))});
      const { createRequire } = await import('node:module');
      console.log(Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('opcua')).length);`;
    assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim(), '0');
  });
});
