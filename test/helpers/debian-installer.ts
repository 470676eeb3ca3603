import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { DEBIAN_INSTALLER, INSTALLERS, ISOLINUX } from './parts.js';
import { tempDir } from './temp.js';

/** The parts that making the ISO image needs; see `needs`. */
export const INSTALLER_CD_PARTS = [DEBIAN_INSTALLER, 'genisoimage'];

const ISOLINUX_MODULES = '/usr/lib/syslinux/modules/bios';

const CONFIG = `DEFAULT install
PROMPT 0
LABEL install
  KERNEL /linux
  INITRD /initrd.gz
  APPEND console=ttyS0
`;

/** Makes a bootable ISO image of Debian's installer for networks, which shows its screens on the serial console. */
export const makeInstallerCd = async (t: ExecutionContext): Promise<string> => {
  const dir = await tempDir(t);
  const root = join(dir, 'root');
  await mkdir(join(root, 'isolinux'), { recursive: true });
  const [release = ''] = (await readdir(INSTALLERS)).sort();
  const installer = join(INSTALLERS, release, 'amd64/text/debian-installer/amd64');
  for (const [source, name] of [
    [join(installer, 'linux'), 'linux'],
    [join(installer, 'initrd.gz'), 'initrd.gz'],
    [ISOLINUX, 'isolinux/isolinux.bin'],
    [join(ISOLINUX_MODULES, 'ldlinux.c32'), 'isolinux/ldlinux.c32'],
  ] as const)
    await copyFile(source, join(root, name));
  await writeFile(join(root, 'isolinux/isolinux.cfg'), CONFIG);
  const iso = join(dir, 'installer.iso');
  await execa('genisoimage', [
    ...['-quiet', '-r', '-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat'],
    ...['-no-emul-boot', '-boot-load-size', '4', '-boot-info-table', '-o', iso, root],
  ]);
  return iso;
};
