import { X509Certificate } from 'node:crypto';
import {
  type ApplicationDescription,
  ApplicationType,
  crypto_utils,
  type EndpointDescription,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  UserTokenType,
} from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import { count } from '../../../src/model/plural.ts';
import type { ScanEvent, ScanRequest } from '../../../src/southbound/scan-tool.ts';
import { TRANSPORT_SETTINGS } from '../connection/client.ts';
import { Channels } from '../protocol/channels.ts';
import { within } from '../protocol/deadline.ts';
import { textOf, toLinkError } from '../protocol/errors.ts';
import { quietLibrary } from '../protocol/quiet.ts';
import { type Identity, passingIdentity } from '../security/identity.ts';
import { describe } from '../security/trust.ts';

const TARGET = /^opc\.tcp:\/\/(?:\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]]+)(?::\d{1,5})?(?:\/\S*)?$/;
const DEFAULT_TIMEOUT_MS = 5_000;
/** A discovery server of a whole plant must not make us call everybody. */
const MAX_SERVERS = 50;

/** What a client is told before it says who it is. */
interface Answer {
  readonly servers: readonly KnownServer[];
  readonly endpoints: readonly EndpointDescription[];
}

interface KnownServer {
  readonly name: string;
  readonly urls: readonly string[];
  readonly applicationUri?: string;
  readonly type?: string;
}

/**
 * Asks a server or a local discovery server which servers there are (FindServers, FindServersOnNetwork) and each of them for its
 * endpoints (GetEndpoints; Part 4 §5.5). Over open channels: nobody is trusted, nothing secret is said, nothing is kept.
 */
export async function* scan({ target, options, context, signal }: ScanRequest): AsyncIterable<ScanEvent> {
  if (!TARGET.test(target))
    throw new GatewayError('USAGE', target, 'expected the URL of a server, e.g. opc.tcp://10.20.0.17:4840');
  quietLibrary(context.log);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  yield event('plan', `asking ${target} which servers there are; nobody is trusted by that`, { target, timeoutMs });
  const identity = await passingIdentity(context.gatewayId);
  const look = (url: string) => ask(url, identity, timeoutMs, signal);
  const first = await look(target);
  const servers = first.servers.slice(0, MAX_SERVERS);
  const asked = new Set<string>();
  for (const server of servers) {
    const isTarget = server.urls.some((url) => asked.has(url)) || describesSelf(server, first);
    for (const url of server.urls) asked.add(url);
    yield event('found', serverText(server), { server });
    const answer = isTarget ? first : await lookAtOne(server, look);
    if (answer instanceof Error) yield event('damaged', `  ${server.name}: ${answer.message}`, { error: answer.message });
    else yield* answer.endpoints.map(endpointEvent);
  }
  if (!servers.some((server) => describesSelf(server, first))) yield* first.endpoints.map(endpointEvent);
  const more = first.servers.length - servers.length;
  yield event('done', `${count(servers.length, 'server')}${more > 0 ? `; ${more} more were not asked` : ''}`, {
    servers: servers.length,
    more,
  });
}

/** The server that was asked is one of those it lists. */
function describesSelf({ applicationUri }: KnownServer, { endpoints }: Answer): boolean {
  return endpoints.some(({ server }) => server.applicationUri === applicationUri);
}

async function lookAtOne(server: KnownServer, look: (url: string) => Promise<Answer>): Promise<Answer | Error> {
  let last = new Error('it names no URL');
  for (const url of server.urls) {
    try {
      return await look(url);
    } catch (error) {
      last = new Error(`${url}: ${textOf(error)}`);
    }
  }
  return last;
}

async function ask(url: string, identity: Identity, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
  const key = crypto_utils.makePrivateKeyFromPem(identity.privateKeyPem);
  const client = OPCUAClient.create({
    applicationName: 'Fieldmarshal scan',
    applicationUri: identity.applicationUri,
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0 },
    securityMode: MessageSecurityMode.None,
    securityPolicy: SecurityPolicy.None,
    defaultTransactionTimeout: timeoutMs,
    transportSettings: TRANSPORT_SETTINGS,
    certificateKeyPairProvider: {
      getCertificate: () => identity.certificate.raw,
      getCertificateChain: () => [identity.certificate.raw],
      getPrivateKey: () => key,
    },
  });
  const channels = new Channels();
  channels.watch(client);
  try {
    return await within(answerOf(client, url), 2 * timeoutMs, signal, url, 'asking for servers and endpoints');
  } catch (error) {
    throw toLinkError(error, url, 'asking for servers and endpoints');
  } finally {
    await Promise.race([client.disconnect().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
    channels.cut();
  }
}

async function answerOf(client: OPCUAClient, url: string): Promise<Answer> {
  await client.connect(url);
  const endpoints = await client.getEndpoints({ endpointUrl: url });
  const servers = (await client.findServers({ endpointUrl: url })).map(known);
  // Only discovery servers with the multicast extension know this service.
  const onNetwork = await client.findServersOnNetwork({}).catch(() => []);
  const listed = new Set(servers.flatMap(({ urls }) => urls.map(placeOf)));
  const others = onNetwork
    .filter(({ discoveryUrl }) => discoveryUrl !== null && !listed.has(placeOf(discoveryUrl)))
    .map(({ serverName, discoveryUrl }) => ({ name: serverName ?? '', urls: [discoveryUrl ?? ''] }));
  return { servers: [...servers, ...others], endpoints };
}

/** Host and port: the two services write the rest of one and the same URL differently. */
function placeOf(url: string): string {
  return url.split('/').slice(0, 3).join('/').toLowerCase();
}

function known({ applicationName, applicationUri, applicationType, discoveryUrls }: ApplicationDescription): KnownServer {
  return {
    name: applicationName.text ?? '',
    urls: (discoveryUrls ?? []).filter((url) => url !== null),
    ...(applicationUri === null ? {} : { applicationUri }),
    type: ApplicationType[applicationType],
  };
}

function serverText({ name, applicationUri, type, urls }: KnownServer): string {
  return `${name || '(no name)'}, ${[applicationUri, type].filter(Boolean).join(', ')}: ${urls.join(' ')}`;
}

function endpointEvent(endpoint: EndpointDescription): ScanEvent {
  const { endpointUrl, securityPolicyUri, securityMode, userIdentityTokens, serverCertificate } = endpoint;
  const policy = securityPolicyUri?.split('#')[1] ?? 'unknown';
  const mode = MessageSecurityMode[securityMode];
  const users = [...new Set((userIdentityTokens ?? []).map(({ tokenType }) => UserTokenType[tokenType]))];
  const certificate = certificateOf(serverCertificate);
  const shown = certificate === undefined ? '' : `; certificate SHA-256 ${certificate.sha256}, valid to ${certificate.validTo}`;
  return event('found', `  ${endpointUrl} ${policy} ${mode}; users: ${users.join(', ') || 'none'}${shown}`, {
    endpoint: { url: endpointUrl, policy, mode, users, ...(certificate === undefined ? {} : { certificate }) },
  });
}

function certificateOf(der: Buffer | null) {
  const [leaf] = der === null || der.length === 0 ? [] : crypto_utils.split_der(der);
  if (leaf === undefined) return undefined;
  try {
    const { subject, applicationUri, sha1, sha256, validToMs } = describe(new X509Certificate(leaf), '');
    return { subject, applicationUri, sha1, sha256, validTo: new Date(validToMs).toISOString() };
  } catch {
    return undefined;
  }
}

function event(kind: ScanEvent['kind'], text: string, data: ScanEvent['data']): ScanEvent {
  return { kind, text, data };
}
