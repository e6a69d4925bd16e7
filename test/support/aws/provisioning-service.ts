import { randomBytes, X509Certificate } from 'node:crypto';
import type { TestAuthority } from '../certificates.ts';
import type { Told } from './shadow-service.ts';

type Json = Record<string, unknown>;

const TOKEN_LIFE_MS = 3_600_000;

/** Fleet provisioning by claim: certificates for signing requests, things for owners of them. */
export class ProvisioningService {
  readonly #authority: TestAuthority;
  readonly #pending = new Map<string, { readonly fingerprint: string; readonly untilMs: number }>();
  /** Things by the fingerprint of their certificate. */
  readonly registered = new Map<string, string>();
  /** Answered in place of the next requests. */
  readonly failures: number[] = [];
  requests = 0;
  nowMs: () => number = () => Date.now();

  constructor(authority: TestAuthority) {
    this.#authority = authority;
  }

  async handle(topic: string, payload: Buffer): Promise<readonly Told[]> {
    const rejected = (statusCode: number, errorCode: string): readonly Told[] => [
      { topic: `${topic}/rejected`, body: { statusCode, errorCode, errorMessage: errorCode } },
    ];
    this.requests += 1;
    const failure = this.failures.shift();
    if (failure !== undefined) return rejected(failure, 'AsTheTestWantsIt');
    let body: Json;
    try {
      body = JSON.parse(payload.toString());
    } catch {
      return rejected(400, 'InvalidPayload');
    }
    const accepted = topic.endsWith('create-from-csr/json')
      ? await this.#create(body).catch(() => undefined)
      : this.#register(body);
    return accepted === undefined ? rejected(400, 'InvalidRequest') : [{ topic: `${topic}/accepted`, body: accepted }];
  }

  async #create({ certificateSigningRequest }: Json): Promise<Json> {
    const certificatePem = await this.#authority.certify(String(certificateSigningRequest));
    const { fingerprint256 } = new X509Certificate(certificatePem);
    const certificateOwnershipToken = randomBytes(16).toString('hex');
    this.#pending.set(certificateOwnershipToken, { fingerprint: fingerprint256, untilMs: this.nowMs() + TOKEN_LIFE_MS });
    return { certificateOwnershipToken, certificateId: fingerprint256.replaceAll(':', '').toLowerCase(), certificatePem };
  }

  #register({ certificateOwnershipToken, parameters }: Json): Json | undefined {
    const pending = this.#pending.get(String(certificateOwnershipToken));
    const { SerialNumber: serial } = (parameters ?? {}) as Json;
    if (pending === undefined || pending.untilMs < this.nowMs() || typeof serial !== 'string') return undefined;
    this.#pending.delete(String(certificateOwnershipToken));
    const thingName = `gateway-${serial}`;
    this.registered.set(pending.fingerprint, thingName);
    return { deviceConfiguration: {}, thingName };
  }
}
