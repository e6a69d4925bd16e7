import assert from 'node:assert/strict';
import { streamError } from '../../src/northbound/wire/stream-error.ts';

describe('an error of TLS', () => {
  for (const code of ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']) {
    it(`shows the clock of the machine with ${code}, for that may be what is wrong`, () => {
      const { code: ours, message } = streamError(Object.assign(new Error(code), { code }), 'hub');
      assert.equal(ours, 'HUB_UNTRUSTED');
      const [, shown = ''] = /the clock of this machine shows (\S+Z): if that is wrong, set it/.exec(message) ?? [];
      assert.ok(Math.abs(Date.parse(shown) - Date.now()) < 5_000, message);
    });
  }
});
