import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  type ClientSecureChannelLayer,
  type ClientSession,
  crypto_utils,
  type EndpointDescription,
  MessageSecurityMode,
  OPCUAClient,
  type OPCUAClientOptions,
  SecurityPolicy,
  StatusCodes,
  type UserIdentityInfo,
  UserTokenType,
} from 'node-opcua-client';
import { GatewayError } from '../../src/model/error.ts';
import { within } from './deadline.ts';
import { chooseEndpoint } from './endpoint.ts';
import { toLinkError } from './errors.ts';
import { type Identity, loadIdentity } from './identity.ts';
import type { RawSession } from './raw-session.ts';
import type { OpcuaSettings } from './settings.ts';
import { describe, isTrusted, keepRejected, makeFolders, type TrustFolders } from './trust.ts';

/** A session with a server, and the means to end it for good. */
export interface OpenClient {
  readonly client: OPCUAClient;
  readonly session: RawSession;
  /** Says goodbye to the server within `timeoutMs`, then frees every socket and timer. */
  close(timeoutMs: number): Promise<void>;
}

export interface ConnectOptions {
  /** Name of the connection, for errors. */
  readonly name: string;
  readonly settings: OpcuaSettings;
  readonly folders: TrustFolders;
  readonly gatewayId: string;
  readonly signal: AbortSignal;
}

/** The server may not make us hold more than this of one message. */
const MAX_MESSAGE_BYTES = 16 << 20;
const MAX_CHUNKS = 4_096;

/** Secure channels of one client, so that a socket can be cut that the library would wait for. */
class Channels {
  readonly #channels = new Set<ClientSecureChannelLayer>();

  watch(client: OPCUAClient): void {
    client.on('secure_channel_created', (channel) => this.#channels.add(channel));
  }

  cut(): void {
    for (const channel of this.#channels) {
      channel.forceConnectionBreak();
      channel.dispose();
    }
    this.#channels.clear();
  }
}

/** One attempt: discovery, trust, secure channel, session. Leaves nothing behind when it fails or the signal aborts. */
export async function connect(options: ConnectOptions): Promise<OpenClient> {
  const { settings, folders, name } = options;
  await makeFolders(folders);
  const identity = await loadIdentity(folders, options.gatewayId);
  const endpoint = chooseEndpoint(await discover(options, identity), settings, name);
  if (endpoint.securityMode !== MessageSecurityMode.None) await requireTrust(options, endpoint.serverCertificate);
  const client = createClient(options, identity, endpoint);
  const channels = new Channels();
  channels.watch(client);
  const timeoutMs = 2 * settings.timeout;
  try {
    await attempt(client.connect(settings.url), 'connecting', timeoutMs, options, client, identity);
    const user = await userIdentity(settings);
    const session = await attempt(client.createSession(user), 'opening a session', timeoutMs, options, client, identity);
    return {
      client,
      session: session as RawSession,
      close: (closeTimeoutMs) => close(client, channels, session, closeTimeoutMs),
    };
  } catch (error) {
    await close(client, channels, undefined, options.signal.aborted ? 0 : 1_000);
    throw error;
  }
}

async function attempt<T>(
  promise: Promise<T>,
  doing: string,
  timeoutMs: number,
  { signal, name }: ConnectOptions,
  client: OPCUAClient,
  identity: Identity,
): Promise<T> {
  let onBackOff = () => {};
  const refused = new Promise<never>((_, reject) => {
    onBackOff = () => reject(new GatewayError('LINK_REFUSED', name, `${doing}: the server closed the connection`));
    client.once('backoff', onBackOff);
  });
  try {
    return await within(Promise.race([promise, refused]), timeoutMs, signal, name, doing);
  } catch (error) {
    throw explain(toLinkError(error, name, doing), identity);
  } finally {
    client.off('backoff', onBackOff);
  }
}

/** A server that does not know our certificate yet says so in many ways; the way out is always the same. */
function explain(error: GatewayError, { certificateFile, certificate }: Identity): GatewayError {
  const isOurs = error.code === 'LINK_UNTRUSTED' || /disconnected by third party/.test(error.message);
  if (!isOurs) return error;
  const { sha1 } = describe(certificate, certificateFile);
  const advice = `the server may not trust this gateway yet: trust its certificate there (${certificateFile}, SHA-1 ${sha1})`;
  return new GatewayError('LINK_UNTRUSTED', error.subject, `${error.message}; ${advice}`, { cause: error.cause });
}

async function discover(options: ConnectOptions, identity: Identity): Promise<readonly EndpointDescription[]> {
  const { name, settings, signal } = options;
  const client = OPCUAClient.create({
    ...commonOptions(options, identity),
    connectionStrategy: { maxRetry: 0 },
    securityMode: MessageSecurityMode.None,
    securityPolicy: SecurityPolicy.None,
  });
  const channels = new Channels();
  channels.watch(client);
  try {
    const found = client.connect(settings.url).then(() => client.getEndpoints());
    return await within(found, settings.timeout, signal, name, 'asking for endpoints');
  } catch (error) {
    throw toLinkError(error, name, 'asking for endpoints');
  } finally {
    await close(client, channels, undefined, signal.aborted ? 0 : 1_000);
  }
}

async function requireTrust({ folders, name, settings }: ConnectOptions, der: Uint8Array): Promise<void> {
  const [leaf] = crypto_utils.split_der(Buffer.from(der));
  if (leaf === undefined) throw new GatewayError('LINK_UNTRUSTED', name, 'the server shows no certificate');
  const certificate = readServerCertificate(leaf, name);
  const { subject, sha1, sha256, validToMs } = describe(certificate, '');
  const told = `certificate of ${settings.url} (${subject}, SHA-1 ${sha1}, SHA-256 ${sha256})`;
  if (validToMs < Date.now()) {
    throw new GatewayError(
      'LINK_UNTRUSTED',
      name,
      `${told} expired on ${new Date(validToMs).toISOString()}; renew it at the server`,
    );
  }
  if (await isTrusted(folders, certificate)) return;
  const file = await keepRejected(folders, certificate);
  const advice =
    file === undefined
      ? `${folders.rejected} is full; empty it`
      : `compare the thumbprint with the one that the server shows, then trust it: mv '${file}' '${folders.trusted}/'`;
  throw new GatewayError('LINK_UNTRUSTED', name, `${told} is not trusted yet; ${advice}`);
}

function readServerCertificate(der: Buffer, name: string): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new GatewayError('LINK_UNTRUSTED', name, 'the server shows a certificate that cannot be read', { cause });
  }
}

function createClient(options: ConnectOptions, identity: Identity, endpoint: EndpointDescription): OPCUAClient {
  return OPCUAClient.create({
    ...commonOptions(options, identity),
    connectionStrategy: { initialDelay: 500, maxDelay: 2_000, maxRetry: -1 },
    securityMode: endpoint.securityMode,
    securityPolicy: endpoint.securityPolicyUri as SecurityPolicy,
    ...(endpoint.securityMode === MessageSecurityMode.None ? {} : { serverCertificate: endpoint.serverCertificate }),
    requestedSessionTimeout: options.settings.sessionTimeout,
    keepSessionAlive: false,
  });
}

function commonOptions({ settings, gatewayId, folders }: ConnectOptions, identity: Identity): OPCUAClientOptions {
  const key = crypto_utils.makePrivateKeyFromPem(identity.privateKeyPem);
  const chain = [identity.certificate.raw];
  return {
    applicationName: `Fieldmarshal ${gatewayId}`,
    applicationUri: identity.applicationUri,
    clientName: `fieldmarshal-${gatewayId}-`,
    endpointMustExist: false,
    defaultTransactionTimeout: settings.timeout,
    transportSettings: { maxMessageSize: MAX_MESSAGE_BYTES, maxChunkCount: MAX_CHUNKS },
    clientCertificateManager: trustStore(folders, identity),
    certificateKeyPairProvider: {
      getCertificate: () => identity.certificate.raw,
      getCertificateChain: () => chain,
      getPrivateKey: () => key,
    },
  };
}

/** What the library asks on the way, e.g. when a server shows a new certificate at a reconnect: the same folder decides. */
function trustStore(folders: TrustFolders, identity: Identity): NonNullable<OPCUAClientOptions['clientCertificateManager']> {
  const isKnown = async (given: Uint8Array | Uint8Array[]) => {
    const der = Array.isArray(given) ? given[0] : given;
    const [leaf] = der === undefined ? [] : crypto_utils.split_der(Buffer.from(der));
    if (leaf === undefined) return false;
    return leaf.equals(identity.certificate.raw) || isTrusted(folders, new X509Certificate(leaf));
  };
  const check = async (given: Uint8Array | Uint8Array[]) =>
    (await isKnown(given)) ? StatusCodes.Good : StatusCodes.BadCertificateUntrusted;
  return {
    referenceCounter: 0,
    initialize: async () => {},
    dispose: async () => {},
    checkCertificate: check,
    verifyCertificate: async (given: Uint8Array | Uint8Array[]) => (await check(given)).name,
    trustCertificate: async () => {},
    rejectCertificate: async () => {},
    getTrustStatus: check,
    addIssuer: async () => undefined,
    addRevocationList: async () => undefined,
  };
}

async function userIdentity({ user }: OpcuaSettings): Promise<UserIdentityInfo> {
  if (user === undefined) return { type: UserTokenType.Anonymous };
  if ('name' in user) return { type: UserTokenType.UserName, userName: user.name, password: user.password.reveal() };
  const certificate = new X509Certificate(await readFile(user.certificate));
  const key = crypto_utils.makePrivateKeyFromPem(user.privateKey.reveal());
  return {
    type: UserTokenType.Certificate,
    certificateData: certificate.raw,
    keyOperations: crypto_utils.keyOperationsFromPrivateKey(key),
  };
}

/** The library waits long for a peer that is gone: the polite way gets `timeoutMs`, then the sockets are cut. */
async function close(
  client: OPCUAClient,
  channels: Channels,
  session: ClientSession | undefined,
  timeoutMs: number,
): Promise<void> {
  const goodbye = (async () => {
    if (session !== undefined) await session.close(true);
    await client.disconnect();
  })().catch(() => {});
  if (timeoutMs > 0) await Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())]);
  channels.cut();
}
