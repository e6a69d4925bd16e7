import assert from 'node:assert/strict';
import { EndpointDescription, MessageSecurityMode, SecurityPolicy, UserTokenType } from 'node-opcua-client';
import { chooseEndpoint, refuseDowngrade, refuseReadablePassword } from '../../../connectors/opcua/connection/endpoint.ts';
import { connectionSchema, type OpcuaSettings } from '../../../connectors/opcua/mapping/settings.ts';
import { Secret } from '../../../src/model/secret.ts';

const { None, Sign, SignAndEncrypt } = MessageSecurityMode;
const { None: open, Basic256Sha256: middle, Aes256_Sha256_RsaPss: strongest, Aes128_Sha256_RsaOaep: weakest } = SecurityPolicy;

function offer(
  securityMode: MessageSecurityMode,
  policy: SecurityPolicy,
  ...tokenPolicies: (string | null)[]
): EndpointDescription {
  const userIdentityTokens = tokenPolicies.map((securityPolicyUri) => ({ tokenType: UserTokenType.UserName, securityPolicyUri }));
  return new EndpointDescription({ securityMode, securityPolicyUri: policy, userIdentityTokens });
}

function settings(more: Readonly<Record<string, unknown>> = {}): OpcuaSettings {
  return connectionSchema.parse({ url: 'opc.tcp://127.0.0.1:4840', ...more });
}

describe('OPC UA endpoint', () => {
  it('is the strongest of those offered', () => {
    const offered = [weakest, middle, strongest, open].map((policy) => offer(policy === open ? None : SignAndEncrypt, policy));
    assert.equal(chooseEndpoint(offered, settings(), 'plant').securityPolicyUri, strongest);
    assert.equal(chooseEndpoint(offered.slice(0, 2), settings(), 'plant').securityPolicyUri, middle);
  });

  it('is none of a web server beside it', () => {
    const [web, own] = [offer(SignAndEncrypt, strongest), offer(SignAndEncrypt, strongest)];
    web.endpointUrl = 'https://press-07:443/UA';
    own.endpointUrl = 'opc.tcp://press-07:4840/UA';
    assert.equal(chooseEndpoint([web, own], settings(), 'plant'), own);
  });

  it('is refused when a stronger one was hidden on the way', () => {
    const [weak, strong] = [offer(SignAndEncrypt, weakest), offer(SignAndEncrypt, strongest)];
    assert.throws(() => refuseDowngrade(weak, strong, 'plant'), { code: 'LINK_UNTRUSTED' });
    refuseDowngrade(strong, strong, 'plant');
  });

  const user = { name: 'operator', password: new Secret('test', Buffer.from('secret')) };
  const refused: readonly (readonly [string, EndpointDescription])[] = [
    ['an open channel', offer(None, open, null)],
    ['an open channel, said by the token', offer(None, open, open)],
    ['an open channel, even where the token asks for encryption', offer(None, open, middle)],
    ['a channel that only signs', offer(Sign, strongest, open)],
  ];
  for (const [where, endpoint] of refused) {
    it(`shows no password to ${where}, unless it is said to be insecure`, () => {
      assert.throws(() => refuseReadablePassword(endpoint, settings({ user }), 'plant'), { code: 'LINK_UNTRUSTED' });
      refuseReadablePassword(endpoint, settings({ user, insecure: true }), 'plant');
      refuseReadablePassword(endpoint, settings(), 'plant');
    });
  }

  it('gets a password that the channel or the token encrypts', () => {
    refuseReadablePassword(offer(SignAndEncrypt, strongest, open), settings({ user }), 'plant');
    refuseReadablePassword(offer(Sign, strongest, null), settings({ user }), 'plant');
  });
});
