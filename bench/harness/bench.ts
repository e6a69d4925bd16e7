import type { Effort } from './effort.ts';
import type { Row } from './row.ts';

/** One topic of the table: opens what it needs, compares, closes everything. */
export type Bench = (effort: Effort) => Promise<readonly Row[]>;
