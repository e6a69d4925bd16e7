import type { Loss, LossLedger } from './loss-ledger.ts';

/** Where it is told what a segment still held that is to be deleted unread. */
export interface Dropping {
  readonly reason: string;
  readonly ledger: LossLedger;
  /** Called for each number, in order for each twin and hub, before it goes into the ledger. */
  readonly onDropped: (loss: Loss, sequence: number) => void;
}
