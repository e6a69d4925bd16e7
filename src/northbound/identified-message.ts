/** What receivers go by: each number of a twin and epoch comes, or a gap says why not. */
export interface IdentifiedMessage {
  readonly id: string;
  readonly gateway: string;
  readonly twin: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly readings: number;
  readonly isHistory: boolean;
  readonly gap?: {
    readonly reason: string;
    /** Numbers under `epoch`; absent: what is missing never had any. */
    readonly from?: number;
    readonly to?: number;
    readonly epoch: string;
    readonly messages: number;
    readonly readings: number;
    readonly durationMs: number;
  };
}
