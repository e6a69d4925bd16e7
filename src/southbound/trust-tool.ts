/** A certificate that the gateway shows, trusts or has refused. */
export interface PeerCertificate {
  /** `authority`: every server whose certificate it has signed is trusted. */
  readonly standing: 'own' | 'own, replaced' | 'trusted' | 'authority' | 'rejected';
  readonly subject: string;
  /** Hexadecimal, upper case. */
  readonly sha1: string;
  readonly sha256: string;
  readonly applicationUri?: string;
  /** ISO 8601. */
  readonly validTo: string;
  /** Where the gateway met it. */
  readonly seenAt?: string;
  readonly file: string;
  /** Of an authority: what it has taken back. */
  readonly revocations?: { readonly file: string; readonly revoked: number; readonly nextUpdate?: string };
}

/** Whom the gateway trusts, kept in its state directory; what is changed holds from the next connect on, without a restart. */
export interface TrustTool {
  /** `skipped`: symbolic links, which are never followed. */
  list(
    stateDirectory: string,
  ): Promise<{ readonly certificates: readonly PeerCertificate[]; readonly skipped: readonly string[] }>;
  /**
   * Trusts a refused certificate by its thumbprint, or one in a file, that of an authority with all that it signs; or keeps the
   * revocation list of an authority in a file. Rejects with USAGE where there is no such one.
   */
  accept(stateDirectory: string, thumbprintOrFile: string): Promise<PeerCertificate>;
  /** Takes the trust away. Rejects with USAGE where there is no such one. */
  reject(stateDirectory: string, thumbprint: string): Promise<PeerCertificate>;
  /** Makes a new certificate for the gateway; the one it replaces is shown to those who do not trust the new one yet. */
  renew(stateDirectory: string): Promise<PeerCertificate>;
}
