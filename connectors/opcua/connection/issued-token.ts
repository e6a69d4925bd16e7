import {
  type ClientSession,
  EndpointDescription,
  IssuedIdentityToken,
  type OPCUAClient,
  type UserIdentityInfo,
  UserTokenPolicy,
  UserTokenType,
} from 'node-opcua-client';

/** What the library asks before each ActivateSession; not in its public types. */
interface TokenContext {
  readonly endpoint: EndpointDescription;
}
interface MadeToken {
  readonly userIdentityToken: { readonly password: Buffer; readonly encryptionAlgorithm: string | null };
  readonly userTokenSignature: unknown;
}
type Done = (error: Error | null, made?: { userIdentityToken: IssuedIdentityToken; userTokenSignature: unknown }) => void;
type MakeToken = (context: TokenContext, user: UserIdentityInfo, done: (error: Error | null, made?: MadeToken) => void) => void;

/** Part 6 §6.5.2.2. */
const JWT_PROFILE = 'http://opcfoundation.org/UA/UserToken#JWT';

/**
 * The library makes no issued tokens. Part 4 §7.40.2 encrypts them as it does passwords, so the library is let make a password of the
 * token, and what it made is put into the right structure. Holds for each later activation of the session, too.
 */
export function createIssuedSession(client: OPCUAClient, token: string): Promise<ClientSession> {
  const inner = client as unknown as { createUserIdentityToken: MakeToken };
  const makeToken = inner.createUserIdentityToken.bind(client);
  const replaced = (context: TokenContext, _: UserIdentityInfo, done: Done) => {
    const policy = issuedPolicy(context.endpoint);
    if (policy === undefined) return done(new Error('the server has no user token policy for issued tokens (JWT)'));
    const asPassword = { ...context, endpoint: withPasswordPolicy(context.endpoint, policy) };
    const user: UserIdentityInfo = { type: UserTokenType.UserName, userName: '', password: token };
    makeToken(asPassword, user, (error, made) => {
      if (error !== null || made === undefined) return done(error ?? new Error('no token was made'));
      const { password, encryptionAlgorithm } = made.userIdentityToken;
      const userIdentityToken = new IssuedIdentityToken({ policyId: policy.policyId, tokenData: password, encryptionAlgorithm });
      done(null, { userIdentityToken, userTokenSignature: made.userTokenSignature });
    });
  };
  Object.assign(inner, { createUserIdentityToken: replaced });
  return client.createSession();
}

function issuedPolicy({ userIdentityTokens }: EndpointDescription): UserTokenPolicy | undefined {
  const issued = userIdentityTokens?.filter(({ tokenType }) => tokenType === UserTokenType.IssuedToken) ?? [];
  return issued.find(({ issuedTokenType }) => issuedTokenType === JWT_PROFILE) ?? issued[0];
}

function withPasswordPolicy(endpoint: EndpointDescription, policy: UserTokenPolicy): EndpointDescription {
  const asPassword = new UserTokenPolicy({ ...policy, tokenType: UserTokenType.UserName });
  return new EndpointDescription({ ...endpoint, userIdentityTokens: [asPassword] });
}
