import { describeSpool } from '../contract/spool.ts';
import { open, removeDirectory, temporaryDirectory } from './support/spool-fixture.ts';

describeSpool('the log on disk', async () => {
  const directory = await temporaryDirectory();
  return {
    open: () => open({ directory, hubs: ['cloud', 'historian'] }),
    remove: () => removeDirectory(directory),
  };
});
