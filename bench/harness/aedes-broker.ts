import { Aedes } from 'aedes';
import { startTcpServer } from '../../src/simulator/tcp-server.ts';
import { tellReady } from './child.ts';

const broker = await Aedes.createBroker();
const { port } = await startTcpServer(0, (socket) => broker.handle(socket));
tellReady({ port });
