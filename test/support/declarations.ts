import { connectors } from '../../connectors/index.ts';
import type { Declarations } from '../../src/model/declaration.ts';
import { dialects } from '../../src/northbound/dialects/index.ts';
import { operators } from '../../src/pipeline/operators/index.ts';

/** What the composition root hands to the configuration, without the rest of the gateway. */
export const declarations: Declarations = { protocols: connectors, operators, dialects };
