/** The cause of an error with which the hub names another server (MQTT 5 §4.13, reason codes 0x9C and 0x9D). */
export class Referral extends Error {
  /** As the hub wrote it: hosts, each with or without a port, with spaces between them. */
  readonly serverReference: string;

  constructor(serverReference: string) {
    super(`the hub refers to ${serverReference}`);
    this.serverReference = serverReference;
  }
}
