import { startOpcuaServer } from './opcua-server.ts';

/** An OPC UA server in a process of its own, so that a test can freeze or kill it; tells its URL on the first line. */
const server = await startOpcuaServer();
console.log(server.url);
