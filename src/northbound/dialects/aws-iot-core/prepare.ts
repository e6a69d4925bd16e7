import { GatewayError } from '../../../model/error.ts';
import type { GatewayIdentity } from '../../../model/plan.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Attempt, Dialect, Prepared, WireSettings } from '../../dialect.ts';
import { fileSecret } from '../../file-secret.ts';
import { toPrivateKey } from '../../key-settings.ts';
import { type Identity, IdentityStore } from './identity-store.ts';
import { provision, provisioningTopics } from './provision.ts';
import type { AwsSettings } from './settings.ts';

export interface PrepareOptions {
  readonly settings: AwsSettings;
  readonly wire: WireSettings;
  readonly gateway: GatewayIdentity;
  readonly directory: string;
  readonly log: Log;
  /** The thing this gateway is; provisioning assigns its name. */
  readonly thing: { name: string };
}

type Prepare = NonNullable<Dialect['prepare']>;

/** The identity that provisioning gave, or gives now. `undefined` where the configuration has a certificate of its own. */
export function prepareProvisioned(options: PrepareOptions): Prepare | undefined {
  const { settings, wire, directory, thing, log } = options;
  if (settings.provisioning === undefined) return undefined;
  const store = new IdentityStore(directory);
  return async (attempt): Promise<Prepared> => {
    const identity = (await store.load()) ?? (await claim(attempt, store, options));
    thing.name = identity.thing;
    if (await store.isOpenToOthers())
      log.warn('private key open to others', { file: identity.privateKeyFile, wanted: 'mode 0600' });
    return { endpoint: attempt.endpoint, settings: await settingsOf(identity, wire) };
  };
}

/** With the identity that provisioning gave. `undefined` where the configuration has a certificate of its own. */
export function receiverSettings({ settings, wire, directory }: PrepareOptions): Dialect['receiverSettings'] {
  if (settings.provisioning === undefined) return undefined;
  return async () => {
    const identity = await new IdentityStore(directory).load();
    if (identity !== undefined) return await settingsOf(identity, wire);
    throw new GatewayError('HUB_UNAUTHORIZED', directory, 'no identity lies there: the gateway has not been provisioned yet');
  };
}

async function settingsOf({ thing, certificateFile, privateKeyFile }: Identity, wire: WireSettings): Promise<WireSettings> {
  const privateKey = await fileSecret('private-key.pem', privateKeyFile);
  return { ...wire, clientId: thing, certificateFile, privateKey };
}

/** Only where there is no identity: a claim is shared by many gateways, and each use of it is a new certificate in the account. */
async function claim(attempt: Attempt, store: IdentityStore, options: PrepareOptions): Promise<Identity> {
  const { settings, wire, gateway, log } = options;
  const { provisioning } = settings;
  if (provisioning === undefined) throw new GatewayError('BUG', gateway.id, 'nothing to provision with');
  const { template, parameters, certificate, privateKey } = provisioning;
  const { will: _, ...plain } = wire;
  log.info('provisioning begun', { template });
  const identity = await attempt.ask({
    endpoint: attempt.endpoint,
    settings: { ...plain, certificateFile: certificate, ...toPrivateKey(privateKey) },
    subscriptions: provisioningTopics(template),
    talk: (line) => provision(line, { template, parameters, commonName: gateway.id }),
  });
  await store.save(identity);
  log.info('provisioning done', { template, thing: identity.thing });
  const saved = await store.load();
  if (saved === undefined) throw new GatewayError('BUG', gateway.id, 'the identity is not where it was put');
  return saved;
}
