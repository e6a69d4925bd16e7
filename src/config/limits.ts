/** Bounds of what a configuration file may ask of its reader. */
export const MAX_DEPTH = 32;
/** Nodes that all aliases of one file may add together. */
export const MAX_ALIASED_NODES = 10_000;
