import { type EndpointDescription, MessageSecurityMode, SecurityPolicy, UserTokenType } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import { type OpcuaSettings, type SecurityModeName, type SecurityPolicyName, securityMode } from '../mapping/settings.ts';

const POLICY_URIS: Readonly<Record<Exclude<SecurityPolicyName, 'best'>, SecurityPolicy>> = {
  none: SecurityPolicy.None,
  basic256sha256: SecurityPolicy.Basic256Sha256,
  'aes128-sha256-rsaoaep': SecurityPolicy.Aes128_Sha256_RsaOaep,
  'aes256-sha256-rsapss': SecurityPolicy.Aes256_Sha256_RsaPss,
};

/** Strongest first; anything older is refused. */
const BEST: readonly SecurityPolicy[] = [
  SecurityPolicy.Aes256_Sha256_RsaPss,
  SecurityPolicy.Basic256Sha256,
  SecurityPolicy.Aes128_Sha256_RsaOaep,
];

const MODES: Readonly<Record<SecurityModeName, MessageSecurityMode>> = {
  none: MessageSecurityMode.None,
  sign: MessageSecurityMode.Sign,
  'sign-and-encrypt': MessageSecurityMode.SignAndEncrypt,
};

/** The endpoint that has the configured protection; never a weaker one, whatever the server offers. */
export function chooseEndpoint(
  offered: readonly EndpointDescription[],
  settings: Omit<OpcuaSettings, 'url'>,
  subject: string,
): EndpointDescription {
  const { policy } = settings.security;
  const mode = MODES[securityMode(settings.security)];
  const wanted = policy === 'best' ? BEST : [POLICY_URIS[policy]];
  // Those over HTTPS may show the certificate of a web server.
  const spoken = offered.filter(({ endpointUrl }) => !/^(?:opc\.)?(?:https?|wss?):/i.test(endpointUrl ?? ''));
  for (const uri of wanted) {
    const endpoint = spoken.find(({ securityPolicyUri, securityMode }) => securityPolicyUri === uri && securityMode === mode);
    if (endpoint !== undefined) return endpoint;
  }
  throw new GatewayError(
    'LINK_UNTRUSTED',
    subject,
    `the server does not offer ${policy === 'best' ? 'any policy of today' : `policy ${policy}`} with mode ${securityMode(settings.security)}; it offers ${spoken.map(describeEndpoint).join(', ') || 'nothing'}. ` +
      'Switch encryption on at the server, or name what it offers in `security:`, for `browse ADDRESS` by `--policy`. Where it should offer more, something between may be hiding it',
  );
}

/** `confirmed`: what the server would have offered, asked again where nobody between can change the answer. */
export function refuseDowngrade(chosen: EndpointDescription, confirmed: EndpointDescription, subject: string): void {
  const [used, best] = [describeEndpoint(chosen), describeEndpoint(confirmed)];
  if (used === best) return;
  throw new GatewayError(
    'LINK_UNTRUSTED',
    subject,
    `the server offers ${best}, but ${used} was shown: somebody between hides it`,
  );
}

/** What a user tells that nobody else may read. */
const SECRETS = [
  ['name', UserTokenType.UserName, 'password'],
  ['tokenFile', UserTokenType.IssuedToken, 'token'],
] as const;

/**
 * A password or token is encrypted by the channel, or with the policy of the user token (Part 4, UserNameIdentityToken). Over an
 * open channel that is no protection: whoever answers may say that it is to be sent as it is.
 */
export function refuseReadablePassword(
  endpoint: EndpointDescription,
  settings: Omit<OpcuaSettings, 'url'>,
  subject: string,
): void {
  const { user, insecure } = settings;
  const secret = SECRETS.find(([key]) => user !== undefined && key in user);
  if (secret === undefined || insecure || endpoint.securityMode === MessageSecurityMode.SignAndEncrypt) return;
  const [, type, what] = secret;
  const isReadable = endpoint.securityMode === MessageSecurityMode.None || hasOpenToken(endpoint, type);
  if (!isReadable) return;
  throw new GatewayError(
    'LINK_UNTRUSTED',
    subject,
    `the server wants the ${what} of the user readable in ${describeEndpoint(endpoint)}: use mode \`sign-and-encrypt\`, or say \`insecure: true\` beside \`url\``,
  );
}

function hasOpenToken(
  { userIdentityTokens, securityPolicyUri: channelPolicy }: EndpointDescription,
  type: UserTokenType,
): boolean {
  const tokens = userIdentityTokens?.filter(({ tokenType }) => tokenType === type) ?? [];
  return tokens.some(({ securityPolicyUri }) => (securityPolicyUri || channelPolicy) === SecurityPolicy.None);
}

function describeEndpoint({ securityPolicyUri, securityMode }: EndpointDescription): string {
  return `${securityPolicyUri?.split('#')[1] ?? 'unknown'}/${MessageSecurityMode[securityMode]}`;
}
