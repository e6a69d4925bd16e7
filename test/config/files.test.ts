import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import type { HubPlan } from '../../src/model/plan.ts';
import type { Secret } from '../../src/model/secret.ts';
import { createAuthority, type TestAuthority } from '../support/certificates.ts';
import { GATEWAY, MAPPING, TemporaryConfiguration } from '../support/configuration.ts';
import { declarations } from '../support/declarations.ts';

const AUTH = GATEWAY.replace(' }\n', ', auth: { username: gw, password: !secret broker } }\n');

async function print(configuration: TemporaryConfiguration, credentials?: string): Promise<string> {
  const environment = credentials === undefined ? {} : { CREDENTIALS_DIRECTORY: credentials };
  const { problems, plan } = await loadConfiguration(configuration.directory, declarations, {
    environment,
    relativeTo: configuration.directory,
  });
  assert.equal(
    plan === undefined,
    problems.some(({ severity }) => severity === 'error'),
  );
  return formatProblems(problems);
}

describe('files that cannot be used', () => {
  it('refuses a file of 50 MB before it is read', async () => {
    using configuration = new TemporaryConfiguration();
    truncateSync(configuration.path('mappings/press.yaml'), 50_000_000);
    assert.match(
      await print(configuration),
      /^mappings\/press\.yaml:1:1: error: the file has 50000000 bytes, more than 2000000\n.*hint: split/,
    );
  });

  it('refuses a directory in place of a file', async () => {
    using configuration = new TemporaryConfiguration();
    mkdirSync(configuration.path('mappings/drill.yaml'));
    assert.match(await print(configuration), /mappings\/drill\.yaml:1:1: error: a directory stands here where a file is wanted/);
  });

  it('refuses a file that nobody may read, also for root', async () => {
    using configuration = new TemporaryConfiguration();
    chmodSync(configuration.path('mappings/press.yaml'), 0);
    assert.match(await print(configuration), /mappings\/press\.yaml:1:1: error: nobody may read this file\n.*hint: chmod 0640/);
  });

  it('shows where the text is no UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from(`${MAPPING}# Öl `), Buffer.from([0xd6, 0x6c]), Buffer.from('\n')]);
    using configuration = new TemporaryConfiguration({ 'mappings/press.yaml': bytes });
    assert.match(await print(configuration), /mappings\/press\.yaml:6:6: error: this is not UTF-8\n(.*\n)*.*got: byte 0xD6/);
  });

  it('refuses UTF-16', async () => {
    const bytes = Buffer.from(`\u{FEFF}${MAPPING}`, 'utf16le');
    using configuration = new TemporaryConfiguration({ 'mappings/press.yaml': bytes });
    assert.match(await print(configuration), /error: the file is UTF-16 or binary, not UTF-8/);
  });

  it('does not follow a link out of the directory', async () => {
    using outside = new TemporaryConfiguration();
    using configuration = new TemporaryConfiguration();
    symlinkSync(outside.path('mappings/press.yaml'), configuration.path('mappings/link.yaml'));
    assert.match(await print(configuration), /gateway\.yaml:1:1: error: `mappings\/link\.yaml` is a link that leads out/);
  });

  it('says that there is no gateway.yaml', async () => {
    using configuration = new TemporaryConfiguration();
    rmSync(configuration.path('gateway.yaml'));
    assert.match(await print(configuration), /^gateway\.yaml:1:1: error: there is no such file/);
  });
});

describe('secrets', () => {
  it('come from the credentials directory before the files beside the configuration', async () => {
    using credentials = new TemporaryConfiguration({ broker: 'from systemd\n' });
    using configuration = new TemporaryConfiguration({ 'gateway.yaml': AUTH, 'secrets/broker': 'from file\n' });
    const environment = { CREDENTIALS_DIRECTORY: credentials.directory };
    const { plan } = await loadConfiguration(configuration.directory, declarations, { environment });
    assert.ok(plan);
    const [hub] = plan.hubs as readonly HubPlan<{ readonly auth: { readonly password: Secret } }>[];
    assert.equal(hub?.settings.auth.password.reveal(), 'from systemd');
    assert.doesNotMatch(inspect(plan, { depth: 9 }) + JSON.stringify(plan), /from systemd/);
  });

  it('are refused where others may read them, with the command that mends it', async () => {
    using configuration = new TemporaryConfiguration({ 'gateway.yaml': AUTH, 'secrets/broker': 'hunter2' });
    for (const mode of [0o644, 0o640, 0o604]) {
      chmodSync(configuration.path('secrets/broker'), mode);
      const printed = await print(configuration);
      assert.match(printed, /error: others than its owner may read the secret `broker`/);
      assert.match(printed, /expected: mode 0600 or 0400\n.*got: mode 06[04][04]\n.*hint: chmod 0600 secrets\/broker/);
      assert.doesNotMatch(printed, /hunter2/);
    }
    for (const mode of [0o600, 0o400]) {
      chmodSync(configuration.path('secrets/broker'), mode);
      assert.equal(await print(configuration), '');
    }
  });

  it('may not be empty', async () => {
    using configuration = new TemporaryConfiguration({ 'gateway.yaml': AUTH, broker: '' });
    assert.match(await print(configuration), /error: the secret `broker` is empty/);
  });

  it('are masked where they are written in clear, whatever else is wrong in the line', async () => {
    const clear = GATEWAY.replace(' }\n', ', pasword: hunter2, auth: { username: gw, pass: 1, password: hunter3 } }\n');
    using configuration = new TemporaryConfiguration({ 'gateway.yaml': clear });
    const printed = await print(configuration);
    assert.match(printed, /unknown key/);
    assert.doesNotMatch(printed, /hunter3/);
    writeFileSync(configuration.path('gateway.yaml'), GATEWAY.replace(' }\n', ', password: hunter4 }\n'));
    assert.doesNotMatch(await print(configuration), /hunter4/);
  });
});

describe('certificates', () => {
  const NOW_MS = Date.UTC(2026, 5, 1);
  const CLIENT = GATEWAY.replace(' }\n', ', auth: { certificate: hub.crt, privateKey: !secret hub.key } }\n');
  let authority: TestAuthority;

  before(async () => {
    authority = await createAuthority();
  });
  after(() => authority.remove());

  async function printWith(certificate: string, privateKey: string): Promise<string> {
    using configuration = new TemporaryConfiguration({ 'gateway.yaml': CLIENT, 'hub.crt': certificate, 'hub.key': privateKey });
    const { problems } = await loadConfiguration(configuration.directory, declarations, { environment: {}, nowMs: NOW_MS });
    return formatProblems(problems);
  }

  async function issue(name: string, from: number, to: number) {
    const validity = { notBefore: new Date(Date.UTC(from, 0, 1)), notAfter: new Date(Date.UTC(to, 0, 1)) };
    const files = await authority.issue(name, validity);
    return { certificate: readFileSync(files.certificate, 'utf8'), privateKey: readFileSync(files.privateKey, 'utf8') };
  }

  it('are taken while they are valid and belong to their key', async () => {
    const { certificate, privateKey } = await issue('gw', 2025, 2030);
    assert.equal(await printWith(certificate, privateKey), '');
  });

  it('are refused when expired', async () => {
    const { certificate, privateKey } = await issue('old', 2020, 2026);
    assert.match(
      await printWith(certificate, privateKey),
      /gateway\.yaml:4:\d+: error: the certificate of .*CN=old.* expired on 2026-01-01/,
    );
  });

  it('that are valid only later are a warning: the clock may be wrong', async () => {
    const { certificate, privateKey } = await issue('new', 2027, 2030);
    assert.match(
      await printWith(certificate, privateKey),
      /warning: the certificate of .*CN=new.* is valid only from 2027-01-01/,
    );
  });

  it('are refused beside the key of another, or beside no key at all', async () => {
    const { certificate } = await issue('one', 2025, 2030);
    const { privateKey } = await issue('two', 2025, 2030);
    assert.match(
      await printWith(certificate, privateKey),
      /error: the certificate and the private key `hub\.key` do not belong together/,
    );
    assert.match(await printWith(certificate, 'no key'), /error: the secret `hub\.key` is not a private key/);
  });
});
