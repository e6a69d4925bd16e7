import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

/** What `systemd/install.sh` installs, in `home`: compiled, because types that are stripped at the start cost memory. Its launcher. */
export async function buildPackage(home: string): Promise<string> {
  const [launcher, compiler] = [join(home, 'bin/fieldmarshal'), join(ROOT, 'node_modules/.bin/tsc')];
  await mkdir(join(home, 'bin'), { recursive: true });
  await copyFile(join(ROOT, 'bin/fieldmarshal'), launcher);
  await copyFile(join(ROOT, 'package.json'), join(home, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(home, 'node_modules'));
  await promisify(execFile)(compiler, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(home, 'dist')]);
  return launcher;
}
