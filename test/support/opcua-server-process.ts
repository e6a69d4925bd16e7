import { startOpcuaServer } from './opcua-server.ts';

/** An OPC UA server in a process of its own, so that a test can freeze or kill it; tells its URL on the first line. */
const [port] = process.argv.slice(2).map(Number);
const server = await startOpcuaServer(port === undefined ? {} : { port });
console.log(server.url);
