/** An IoT policy: what each action is allowed for; `*` stands for any text, `{thing}` for the client's thing. */
export interface Policy {
  readonly connect: readonly string[];
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly receive: readonly string[];
}

export type Action = keyof Policy;

export function allows(policy: Policy, action: Action, resource: string, thing: string): boolean {
  return policy[action].some((pattern) => patternOf(pattern.replaceAll('{thing}', thing)).test(resource));
}

function patternOf(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[.+^${}()|[\]\\?]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`);
}

/** As the documentation of the dialect asks for. */
export const GATEWAY_POLICY: Policy = {
  connect: ['{thing}'],
  publish: ['dt/{thing}/*', '$aws/rules/telemetry/dt/{thing}/*', 'cmd/{thing}/*', '$aws/things/{thing}/*'],
  subscribe: ['cmd/{thing}/*', '$aws/things/{thing}/*'],
  receive: ['cmd/{thing}/*', '$aws/things/{thing}/*'],
};

/** Of a claim certificate: it may provision and nothing else. */
export const CLAIM_POLICY: Policy = {
  connect: ['*'],
  publish: ['$aws/certificates/create-from-csr/*', '$aws/provisioning-templates/gateways/provision/*'],
  subscribe: ['$aws/certificates/create-from-csr/*', '$aws/provisioning-templates/gateways/provision/*'],
  receive: ['$aws/certificates/create-from-csr/*', '$aws/provisioning-templates/gateways/provision/*'],
};
