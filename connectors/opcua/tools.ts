import type { ConnectorTools } from '../../src/southbound/tools.ts';
import { browseTool } from './browse-tool.ts';
import { trustTool } from './trust-tool.ts';

/** The library is loaded by what needs it: the trust list does without. */
export const tools: ConnectorTools = {
  trust: trustTool,
  browse: browseTool,
  scan: async function* (request) {
    yield* (await import('./scan.ts')).scan(request);
  },
};
