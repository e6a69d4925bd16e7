import {
  type ClientSession,
  crypto_utils,
  type EndpointDescription,
  MessageSecurityMode,
  OPCUAClient,
  type OPCUAClientOptions,
  SecurityPolicy,
} from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import type { Expiries } from '../../../src/runtime/expiries.ts';
import type { Log } from '../../../src/runtime/log.ts';
import type { ServerSettings } from '../mapping/settings.ts';
import { Channels } from '../protocol/channels.ts';
import { failIfAborted, within } from '../protocol/deadline.ts';
import { toLinkError } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import { type Identity, loadIdentities } from '../security/identity.ts';
import { requireTrust, trustStore } from '../security/server-trust.ts';
import { describe, makeFolders, type TrustFolders } from '../security/trust.ts';
import { chooseEndpoint, refuseDowngrade, refuseReadablePassword } from './endpoint.ts';
import { findWay, type Way } from './reverse-connect.ts';
import { createSession } from './user-identity.ts';

/** A session with a server, and the means to end it for good. */
export interface OpenClient {
  readonly client: OPCUAClient;
  readonly session: RawSession;
  /** Warns of certificates that expire soon, and renews our own when it is time; to be called each day. Settles within minutes. */
  lookAtCertificates(signal: AbortSignal): Promise<void>;
  /** Says goodbye to the server within `timeoutMs`, then frees every socket and timer. Subscriptions may be left for the next session. */
  close(timeoutMs: number, options?: { readonly keepsSubscriptions: boolean }): Promise<void>;
}

export interface ConnectOptions {
  /** Name of the connection, for errors. */
  readonly name: string;
  readonly settings: ServerSettings;
  readonly folders: TrustFolders;
  readonly gatewayId: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Takes note of the certificates that were met. */
  readonly expiries: Expiries;
}

/**
 * The server may not make us hold more of one message than this. The library makes a buffer of the size of a chunk for every request,
 * however short, 640 KiB of it unless told otherwise: 3 MB a second of garbage for one subscription. 64 KiB is what most servers have.
 */
export const TRANSPORT_SETTINGS = {
  maxMessageSize: 16 << 20,
  maxChunkCount: 4_096,
  receiveBufferSize: 64 << 10,
  sendBufferSize: 64 << 10,
};

/** One attempt: discovery, trust, secure channel, session. Leaves nothing behind when it fails or the signal aborts. */
export async function connect(options: ConnectOptions): Promise<OpenClient> {
  const { settings, folders, name, expiries } = options;
  failIfAborted(options.signal, name);
  await makeFolders(folders);
  const [newest, ...replaced] = await loadIdentities(folders, options.gatewayId);
  expiries.note('own', describe(newest.certificate, newest.certificateFile));
  const way = await findWay(settings, name);
  try {
    const endpoint = chooseEndpoint(await discover(options, newest, way), settings, name);
    if (endpoint.securityMode !== MessageSecurityMode.None) {
      const applicationUri = endpoint.server.applicationUri ?? undefined;
      const { server, authority } = await requireTrust(
        { ...options, url: settings.url, applicationUri },
        endpoint.serverCertificate,
      );
      expiries.note('server', server);
      if (authority !== undefined) expiries.note('authority', authority);
    }
    return await openAs([newest, ...replaced], options, { endpoint, way });
  } catch (error) {
    await way.close();
    throw error;
  }
}

interface Target {
  readonly endpoint: EndpointDescription;
  readonly way: Way;
}

/** A server that does not trust the newest certificate yet may still trust the one before. */
async function openAs(
  [identity, ...older]: readonly [Identity, ...Identity[]],
  options: ConnectOptions,
  target: Target,
): Promise<OpenClient> {
  try {
    return await openSession(options, identity, target);
  } catch (error) {
    const [next, ...others] = older;
    if (!(error instanceof UnknownToServer) || next === undefined) throw error;
    const { certificateFile: certificate } = identity;
    options.log.warn('new certificate not trusted', { link: options.name, certificate, shown: next.certificateFile });
    return openAs([next, ...others], options, target);
  }
}

async function openSession(options: ConnectOptions, identity: Identity, { endpoint, way }: Target): Promise<OpenClient> {
  const { settings, name, expiries } = options;
  failIfAborted(options.signal, name);
  const client = createClient(options, identity, endpoint);
  const channels = new Channels();
  channels.watch(client);
  const timeoutMs = 2 * settings.timeout;
  try {
    await attempt(way.connect(client), way.doing, timeoutMs + way.patienceMs, options, client, identity);
    // What was offered before came over an open channel; the library does not compare it (Part 4, CreateSession).
    const confirmed = await attempt(client.getEndpoints(), 'comparing endpoints', timeoutMs, options, client, identity);
    refuseDowngrade(endpoint, chooseEndpoint(confirmed, settings, name), name);
    refuseReadablePassword(chooseEndpoint(confirmed, settings, name), settings, name);
    const session = await attempt(
      createSession(client, settings, expiries),
      'opening a session',
      timeoutMs,
      options,
      client,
      identity,
    );
    return {
      client,
      session: session as RawSession,
      lookAtCertificates: (signal) => lookAtCertificates({ ...options, signal }, identity),
      close: async (closeTimeoutMs, given) => {
        await close(client, channels, session, closeTimeoutMs, given);
        await way.close();
      },
    };
  } catch (error) {
    await close(client, channels, undefined, options.signal.aborted ? 0 : 1_000);
    throw error;
  }
}

/**
 * A session lives for years. A new certificate is shown to the server while the one of the session is still good: whoever looks after the
 * server finds it there, and what is wrong with it is told here, each day.
 */
async function lookAtCertificates(options: ConnectOptions, used: Identity): Promise<void> {
  const { expiries, folders, gatewayId } = options;
  expiries.look();
  const [newest] = await loadIdentities(folders, gatewayId);
  if (newest.certificate.raw.equals(used.certificate.raw)) return;
  const other = await connect(options);
  await other.close(1_000);
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

/** The server does not know the certificate that the gateway has shown. */
class UnknownToServer extends GatewayError {}

/** A server that does not know our certificate yet says so in many ways; the way out is always the same. */
function explain(error: GatewayError, { certificateFile, certificate }: Identity): GatewayError {
  const isOurs = error.code === 'LINK_UNTRUSTED' || /disconnected by third party/.test(error.message);
  if (!isOurs) return error;
  const { sha1 } = describe(certificate, certificateFile);
  const advice = `the server may not trust this gateway yet: trust its certificate there (${certificateFile}, SHA-1 ${sha1})`;
  return new UnknownToServer('LINK_UNTRUSTED', error.subject, `${error.message}; ${advice}`, { cause: error.cause });
}

async function discover(options: ConnectOptions, identity: Identity, way: Way): Promise<readonly EndpointDescription[]> {
  const { name, settings, signal } = options;
  failIfAborted(signal, name);
  const client = OPCUAClient.create({
    ...commonOptions(options, identity),
    connectionStrategy: { maxRetry: 0 },
    securityMode: MessageSecurityMode.None,
    securityPolicy: SecurityPolicy.None,
  });
  const channels = new Channels();
  channels.watch(client);
  try {
    const doing = settings.reverseConnect === undefined ? 'asking for endpoints' : way.doing;
    const found = way.connect(client).then(() => client.getEndpoints());
    return await within(found, settings.timeout + way.patienceMs, signal, name, doing);
  } catch (error) {
    throw toLinkError(error, name, 'asking for endpoints');
  } finally {
    await close(client, channels, undefined, signal.aborted ? 0 : 1_000);
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
    transportSettings: TRANSPORT_SETTINGS,
    clientCertificateManager: trustStore(folders, identity),
    certificateKeyPairProvider: {
      getCertificate: () => identity.certificate.raw,
      getCertificateChain: () => chain,
      getPrivateKey: () => key,
    },
  };
}

/** The library waits long for a peer that is gone: the polite way gets `timeoutMs`, then the sockets are cut. */
async function close(
  client: OPCUAClient,
  channels: Channels,
  session: ClientSession | undefined,
  timeoutMs: number,
  { keepsSubscriptions } = { keepsSubscriptions: false },
): Promise<void> {
  const goodbye = (async () => {
    if (session !== undefined) await session.close(!keepsSubscriptions);
    await client.disconnect();
  })().catch(() => {});
  if (timeoutMs > 0) await Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())]);
  channels.cut();
}
