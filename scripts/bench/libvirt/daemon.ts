import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { stopWhenInterrupted } from '../interrupted.js';
import { Virsh } from './virsh.js';

const PACKAGES = 'libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients';
const START_MS = 60_000;
const POLL_MS = 20;

/** The directories of a host's libvirt, which this one has of its own. */
const OWN = {
  etc: '/etc/libvirt',
  lib: '/var/lib/libvirt',
  run: '/run/libvirt',
  cache: '/var/cache/libvirt',
};

/** The user of libvirt's guests, which the package libvirt-daemon-system adds to a host. */
const GUEST_USER = 'libvirt-qemu';
const GUEST_UID = 64055;

/**
 * No control groups, which the agent's guests do not have either, and no second daemon for the logs of consoles. Its VNC
 * ports are not those from which the agent's guests take theirs.
 */
const QEMU_CONF = `cgroup_controllers = []
stdio_handler = "file"
remote_display_port_min = 15900
remote_display_port_max = 16899
`;

/**
 * Starts libvirtd where it sees a configuration, a state and users of its own, and no KVM unless `$2` is `kvm`: for each
 * domain whose user may not open /dev/kvm, libvirt asks QEMU again what it can do. The limit is that of libvirt's unit for systemd. The shell waits,
 * because libvirt expects an init that collects the ended programs of daemons.
 */
const START = `
set -e
cd "$1"
exec 2> messages
ulimit -n 8192
${Object.entries(OWN)
  .map(([name, path]) => `mkdir -p ${path}; mount --bind ${name} ${path}`)
  .join('\n')}
mount --bind passwd /etc/passwd
mount --bind group /etc/group
if [ "$2" != kvm ]; then
  mount -t tmpfs none dev
  cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx dev
  mkdir dev/pts dev/shm
  mount --move /dev/pts dev/pts
  mount --move /dev/shm dev/shm
  umount -R -l /dev
  mount --move dev /dev
fi
libvirtd --pid-file /run/libvirt/libvirtd.pid
exit 1`;

/** A running libvirt without any domain. */
export interface Libvirt {
  /** A directory that its guests can read. */
  dir: string;
  uri: string;
  /** `stop` also ends its guests and removes the directory. */
  stop(): Promise<void>;
}

/** Returns why libvirt cannot be measured on this host, and what to do; `undefined` when it can. */
export const obstacle = async (): Promise<string | undefined> => {
  if (process.getuid?.() !== 0) return 'run it as root: libvirt gets directories of its own by mounts';
  const { failed } = await execa({ reject: false, shell: true })`command -v libvirtd virsh unshare`;
  return failed ? `install ${PACKAGES} util-linux` : undefined;
};

/** Writes a host's list of users or groups, with the one of libvirt's guests. */
const writeWithGuestUser = async (from: string, to: string, line: string): Promise<void> => {
  const text = await readFile(from, 'utf8');
  await writeFile(to, text.includes(`${GUEST_USER}:`) ? text : `${text.trimEnd()}\n${line}\n`);
};

const prepare = async (dir: string): Promise<void> => {
  await chmod(dir, 0o755);
  for (const name of [...Object.keys(OWN), 'dev']) await mkdir(join(dir, name));
  await writeFile(join(dir, 'etc/libvirtd.conf'), 'auth_unix_rw = "none"\n');
  await writeFile(join(dir, 'etc/qemu.conf'), QEMU_CONF);
  await writeWithGuestUser(
    '/etc/passwd',
    join(dir, 'passwd'),
    `${GUEST_USER}:x:${GUEST_UID}:${GUEST_UID}::/nonexistent:/usr/sbin/nologin`,
  );
  await writeWithGuestUser('/etc/group', join(dir, 'group'), `${GUEST_USER}:x:${GUEST_UID}:`);
};

/** Ends the first process of a namespace, and by that all others in it. */
const killInit = async (parent: number): Promise<void> => {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '');
  for (const child of children.trim().split(' ')) if (child !== '') process.kill(Number(child), 'SIGKILL');
};

/**
 * Starts a libvirtd of its own, beside any other on this host.
 * @param accelerator of its guests
 */
export const startLibvirt = async (accelerator: string): Promise<Libvirt> => {
  const dir = await mkdtemp(join(tmpdir(), 'mistify-libvirt-'));
  await prepare(dir);
  const socket = join(dir, 'run/libvirt-sock');
  const uri = `qemu+unix:///system?socket=${socket}`;
  const flags = ['--mount', '--pid', '--mount-proc', '--fork', '--kill-child'];
  const child = spawn('unshare', [...flags, 'sh', '-c', START, 'sh', dir, accelerator], { stdio: 'ignore' });
  const stop = stopWhenInterrupted(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      await killInit(Number(child.pid));
      await exited;
    }
    await rm(dir, { recursive: true, force: true });
  });
  try {
    for (const giveUpAt = Date.now() + START_MS; !existsSync(socket); await delay(POLL_MS))
      if (child.exitCode !== null || Date.now() > giveUpAt)
        throw new Error(`libvirtd does not start: ${await readFile(join(dir, 'messages'), 'utf8')}`);
    const virsh = await Virsh.connect(uri);
    await virsh.close();
  } catch (error) {
    await stop();
    throw error;
  }
  return { dir, uri, stop };
};
