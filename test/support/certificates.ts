import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = promisify(execFile);

/** A certificate with its key, as PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface TestAuthority {
  /** The CA certificate, PEM. */
  readonly ca: string;
  readonly directory: string;
  issue(name: string, options?: IssueOptions): Promise<CertificateFiles>;
  /** Deletes every file. */
  remove(): Promise<void>;
}

export interface IssueOptions {
  /** Default: `localhost` and 127.0.0.1. */
  readonly subjectAltName?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** A certificate authority in a temporary directory, made with the `openssl` program; EC keys, because they are quick to make. */
export async function createAuthority(commonName = 'Test CA'): Promise<TestAuthority> {
  const directory = await mkdtemp(join(tmpdir(), 'test-ca-'));
  const file = (name: string) => join(directory, name);
  const run = (...args: readonly string[]) => openssl('openssl', [...args], { cwd: directory });
  await writeFile(file('ca.cnf'), caConfiguration);
  await Promise.all([writeFile(file('index.txt'), ''), writeFile(file('serial'), '01\n')]);
  await run(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '3650',
    '-subj',
    `/CN=${commonName}`,
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  return {
    ca: file('ca.crt'),
    directory,
    async issue(name, options = {}) {
      const { subjectAltName = 'DNS:localhost,IP:127.0.0.1', notBefore = new Date(Date.now() - DAY_MS) } = options;
      const notAfter = options.notAfter ?? new Date(Date.now() + 365 * DAY_MS);
      await writeFile(file(`${name}.ext`), `subjectAltName=${subjectAltName}\n`);
      await run(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        `/CN=${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
      );
      await run(
        'ca',
        '-batch',
        '-config',
        'ca.cnf',
        '-in',
        `${name}.csr`,
        '-out',
        `${name}.crt`,
        '-extfile',
        `${name}.ext`,
        '-notext',
        '-startdate',
        opensslTime(notBefore),
        '-enddate',
        opensslTime(notAfter),
      );
      return { certificate: file(`${name}.crt`), privateKey: file(`${name}.key`) };
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

const caConfiguration = `
[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
`;

/** YYYYMMDDHHMMSSZ */
function opensslTime(time: Date): string {
  return `${time.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
}

export async function readCertificate({ certificate, privateKey }: CertificateFiles): Promise<{ cert: Buffer; key: Buffer }> {
  return { cert: await readFile(certificate), key: await readFile(privateKey) };
}
