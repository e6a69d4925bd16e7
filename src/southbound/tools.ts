/**
 * What a protocol offers to people at the command line beside being run: planning, finding, decoding, browsing. Every tool is
 * optional; the command says so where the protocol has none. A tool returns plain data; the command prints it.
 */
// biome-ignore lint/suspicious/noEmptyInterface: each tool adds its member
export interface ConnectorTools {}
