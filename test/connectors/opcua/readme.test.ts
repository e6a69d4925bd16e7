import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crypto_utils } from 'node-opcua';
import { connectors } from '../../../connectors/index.ts';
import { loadMapping } from '../../../src/config/load.ts';
import { operators } from '../../../src/pipeline/operators/index.ts';

const readme = await readFile(new URL('../../../connectors/opcua/README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = '']) => yaml);

describe('OPC UA README', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opcua-readme-'));
    const { privateKey } = await crypto_utils.generateKeyPair(2048);
    const { privPem } = await crypto_utils.privateKeyToPEM(privateKey);
    const purpose = crypto_utils.CertificatePurpose.ForUserAuthentication;
    const { cert } = await crypto_utils.createSelfSignedCertificate({
      privateKey,
      purpose,
      subject: '/CN=operator',
      validity: 10,
    });
    await writeFile(join(folder, 'operator.pem'), cert);
    await writeFile(join(folder, 'operator.key'), privPem, { mode: 0o600 });
    await writeFile(join(folder, 'gateway.jwt'), 'header.claims.signature');
    await writeFile(join(folder, 'press-password'), 'secret', { mode: 0o600 });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('has examples', () => assert.ok(examples.length >= 5));

  for (const [index, yaml] of examples.entries()) {
    it(`shows a mapping that is right: number ${index + 1}`, async () => {
      const file = join(folder, `example-${index}.yaml`);
      await writeFile(file, yaml);
      const environment = { CREDENTIALS_DIRECTORY: folder };
      const { plan, problems } = await loadMapping(file, { protocols: connectors, operators, dialects: [] }, { environment });
      assert.deepEqual(problems, []);
      assert.equal(plan?.connections[0]?.protocol, 'opcua');
    });
  }
});
