import type { Remark } from '../../../src/model/declaration.ts';

/** What is wrong with one point: an error, unless it says otherwise. */
export type Finding = Pick<Remark, 'key' | 'message' | 'hint'> & { readonly severity?: Remark['severity'] };
