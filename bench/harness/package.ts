import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

/**
 * What `systemd/install.sh` installs, in `home`: compiled, because types that are stripped at the start cost memory. Its launcher.
 * Programs of the bench that are to run like it are compiled beside it, in `dist`, at their path from the root.
 */
export async function buildPackage(home: string, programs: readonly string[] = []): Promise<string> {
  const [launcher, compiler] = [join(home, 'bin/fieldmarshal'), join(ROOT, 'node_modules/.bin/tsc')];
  await mkdir(join(home, 'bin'), { recursive: true });
  await copyFile(join(ROOT, 'bin/fieldmarshal'), launcher);
  await copyFile(join(ROOT, 'package.json'), join(home, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(home, 'node_modules'));
  const project = {
    extends: join(ROOT, 'tsconfig.build.json'),
    compilerOptions: { rootDir: ROOT, outDir: join(home, 'dist') },
    include: ['src', 'connectors', ...programs].map((path) => join(ROOT, path)),
  };
  await writeFile(join(home, 'tsconfig.json'), JSON.stringify(project));
  await promisify(execFile)(compiler, ['-p', home]);
  return launcher;
}
