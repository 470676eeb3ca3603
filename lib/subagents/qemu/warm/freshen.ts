import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import { type GuestAgent, GuestAgentError } from '../../shared/guest-agent/client.js';
import { connectAgent } from '../guests/agent.js';
import type { Entry } from '../guests/entry.js';
import type { Watch } from '../guests/watch.js';
import { HOOK, runScript } from './inside.js';

/** How long a guest that has resumed may take to respond. */
const RESPONSE_MS = 15_000;
const POLL_MS = 20;
/** cloud-init may install packages; it runs on after that. */
const SCRIPT_MS = 120_000;

/**
 * Gives a clone what must not be its template's, and prints one word for each thing that it did. The hook comes first: it
 * reseeds the kernel where no driver has done so. cloud-init comes last, because it may take long.
 *
 * systemd-machine-id-setup is of no use: it takes the UUID that the guest sees, which is the template's until a reboot. Without
 * a restart, systemd-networkd identifies all clones to a DHCP server by the template's machine-id, and they get one address.
 */
const SCRIPT = `
has() { command -v "$1" > /dev/null 2>&1; }
if [ -x ${HOOK} ]; then ${HOOK} > /dev/null 2>&1 && echo hook || echo hook-failed; fi
rm -f /var/lib/systemd/random-seed
if [ -n "$MISTIFY_HOSTNAME" ]; then
  if has hostnamectl && hostnamectl set-hostname "$MISTIFY_HOSTNAME" 2> /dev/null; then echo hostname
  elif hostname "$MISTIFY_HOSTNAME" 2> /dev/null; then
    [ ! -e /etc/hostname ] || echo "$MISTIFY_HOSTNAME" > /etc/hostname
    echo hostname
  else echo not-hostname
  fi
fi
if [ -e /etc/machine-id ]; then
  rm -f /etc/machine-id
  if echo "$MISTIFY_MACHINE_ID" > /etc/machine-id; then
    chmod 444 /etc/machine-id
    if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then
      rm -f /var/lib/dbus/machine-id
      cp /etc/machine-id /var/lib/dbus/machine-id
    fi
    has systemctl && systemctl try-restart systemd-networkd.service > /dev/null 2>&1
    echo machine-id
  else echo not-machine-id
  fi
fi
if has ssh-keygen && ls /etc/ssh/ssh_host_*_key > /dev/null 2>&1; then
  keys=/run/mistify-keys
  rm -rf $keys
  mkdir -p $keys/etc/ssh
  if ssh-keygen -A -f $keys > /dev/null 2>&1 && cp -p $keys/etc/ssh/ssh_host_* /etc/ssh; then
    for path in /etc/ssh/ssh_host_*; do [ -e "$keys$path" ] || rm -f "$path"; done
    has systemctl && systemctl try-restart ssh.service sshd.service > /dev/null 2>&1
    echo ssh-host-keys
  else echo not-ssh-host-keys
  fi
  rm -rf $keys
fi
if [ "$MISTIFY_SEED" = yes ] && has cloud-init; then
  cloud-init clean --logs > /dev/null 2>&1
  cloud-init init --local > /dev/null 2>&1; cloud-init init > /dev/null 2>&1
  cloud-init modules --mode config > /dev/null 2>&1; cloud-init modules --mode final > /dev/null 2>&1
  echo cloud-init
fi
exit 0
`;

/** What a clone is told about itself. */
export interface Identity {
  /** The clone's own UUID. */
  id: string;
  /** "" for none. */
  hostname: string;
  /** Whether it has a cloud-init seed of its own. */
  hasSeed: boolean;
}

const WORDS: Readonly<Record<string, string>> = {
  hook: `what its ${HOOK} does`,
  hostname: 'its host name',
  'machine-id': 'its machine-id',
  'ssh-host-keys': 'its SSH host keys',
  'cloud-init': 'what cloud-init makes of its seed',
};

/** Begins the word for what could not be made new. */
const NOT = 'not-';

/** Connects to the agent of a guest that has just resumed; `undefined` when none responds in time. */
export const agentOfResumed = async (entry: Entry, watch: Watch): Promise<GuestAgent | undefined> => {
  const deadline = performance.now() + RESPONSE_MS;
  while (entry.watch === watch && performance.now() < deadline) {
    const agent = await connectAgent(entry, watch);
    if (agent) return agent;
    await sleep(POLL_MS);
  }
  return undefined;
};

/**
 * Gives a guest that has resumed with the memory of its template an identity of its own. Closes the connection.
 * @returns a note for the user
 */
export const freshen = async (agent: GuestAgent, { id, hostname, hasSeed }: Identity): Promise<string> => {
  try {
    const env = {
      MISTIFY_HOSTNAME: hostname,
      MISTIFY_SEED: hasSeed ? 'yes' : 'no',
      MISTIFY_MACHINE_ID: id.replaceAll('-', ''),
    };
    const result = await runScript(agent, SCRIPT, env, SCRIPT_MS);
    if (!result) return `its new identity is still being made after ${SCRIPT_MS / 1000} s`;
    const lines = result.output.split('\n').filter((line) => line !== '');
    const failed = lines.includes('hook-failed') ? `; its ${HOOK} has failed` : '';
    const made = lines.flatMap((line) => WORDS[line] ?? []);
    const old = lines.flatMap((line) => (line.startsWith(NOT) ? (WORDS[line.slice(NOT.length)] ?? []) : []));
    const kept = old.length === 0 ? '' : `; not new, because that has failed in it: ${old.join(', ')}`;
    return `new in it: its MAC addresses${made.map((word) => `, ${word}`).join('')}${kept}${failed}`;
  } catch (error) {
    if (!(error instanceof GuestAgentError)) throw error;
    return `its host name, machine-id and SSH host keys are the template's: ${errorMessage(error)}`;
  } finally {
    agent.close();
  }
};
