import { path } from '../../../client/path.js';
import type { Backup } from '../../../model/backup.js';
import { waitingHardware } from '../../../model/change-words.js';
import type { ContainerMount } from '../../../model/container/mounts.js';
import type { DiskUse } from '../../../model/disk-use.js';
import type { Guest, Nic } from '../../../model/guest.js';
import type { GuestAddress } from '../../../model/guest-addresses.js';
import { MB } from '../../../model/units.js';
import { formatBytes, formatMb } from '../../../portable/format.js';
import { knownAddresses } from '../addresses.js';
import { get } from '../api.js';
import { h, setText } from '../dom.js';
import { loadCharts } from '../load-charts.js';
import { measurements } from '../metrics.js';
import { facts } from '../parts.js';
import { store } from '../store.js';
import { actionWords } from '../words.js';
import { agentSection } from './agent-section.js';
import { lastGoodText } from './backup-words.js';
import { afterBootFact, afterFailureFact } from './coming-back.js';
import { programFact } from './program.js';
import type { Tab } from './tab.js';
import { warmFact } from './warm.js';
import { whenJobsEnd } from './when-jobs-end.js';

const diskText = ({ device, serial, size, used, image, bus }: DiskUse): string =>
  [
    device || serial,
    used === undefined ? formatMb(size) : `${formatMb(size)} (${formatMb(used)} used)`,
    image && `from ${image}`,
    bus,
  ]
    .filter(Boolean)
    .join(', ');

const nicText = ({ name, network, model, mac, address, vlans }: Nic): string =>
  [name, `on ${network}`, address, mac, model, vlans.length > 0 && `VLAN ${vlans.join(', ')}`]
    .filter(Boolean)
    .join(', ');

const addressText = ({ address, nic, source }: GuestAddress): string =>
  [address, nic && `on ${nic}`, `(${source})`].filter(Boolean).join(' ');

const nextText = (value: number | null | undefined, format: (value: number) => string): string =>
  value ? `, ${format(value)} from the next start on` : '';

const mostText = (value: number | undefined, format: (value: number) => string): string =>
  value ? `, can grow to ${format(value)}` : '';

const hardwareText = ({ machine, cpuModel }: Guest): string | undefined => {
  if (!machine) return undefined;
  const { type, firmware, secureBoot, tpm, next } = machine;
  const uefi = firmware === 'uefi' && (secureBoot ? 'UEFI with Secure Boot' : 'UEFI');
  return [
    type,
    cpuModel && `CPU ${cpuModel}`,
    uefi,
    tpm && 'TPM 2.0',
    next && `${next.type} from the next start on`,
  ]
    .filter(Boolean)
    .join(', ');
};

const list = (lines: readonly string[]): Node | undefined =>
  lines.length === 0 ? undefined : h('ul', {}, ...lines.map((line) => h('li', {}, line)));

const factsOf = (
  guest: Guest,
  resident: number | undefined,
  addresses: readonly GuestAddress[],
  disks: readonly DiskUse[] = guest.disks ?? [],
  lastBackup?: string,
): HTMLElement =>
  facts([
    ['Type', guest.type === 'container' ? 'container' : 'virtual machine'],
    ['Description', guest.description && h('span', { class: 'lines-kept' }, guest.description)],
    ['Tags', guest.tags?.join(', ')],
    ['Image', guest.image],
    [
      'Memory',
      `${formatMb(guest.memory)}${nextText(guest.pending?.memory, formatMb)}${mostText(guest.maxMemory, formatMb)}${resident ? ` (${formatBytes(resident)} of the host's memory in use)` : ''}`,
    ],
    ['vCPUs', `${guest.cpu ?? ''}${nextText(guest.pending?.cpu, String)}${mostText(guest.maxCpu, String)}`],
    ['Hardware', hardwareText(guest)],
    ['Warm', warmFact(guest)],
    ['From the next start on', waitingHardware(guest)],
    ['Program', programFact(guest)],
    ['After a boot', afterBootFact(guest)],
    ['After a failure', afterFailureFact(guest)],
    ['Warnings', list(guest.warnings ?? [])],
    ['VNC', guest.vnc ? `port ${guest.vnc} on the host's loopback` : undefined],
    ['Disks', list(disks.map(diskText))],
    ['Mounts', list(mountTexts(guest))],
    ['Last good backup', lastBackup],
    ['Network', list((guest.nics ?? []).map(nicText))],
    ['Addresses', list(addresses.map(addressText))],
  ]);

const mountText = (mount: ContainerMount): string => {
  if (mount.type === 'tmpfs')
    return `${mount.target}: ${mount.size ? `${formatMb(mount.size)} of ` : ''}memory`;
  const what = mount.type === 'volume' ? `volume ${mount.source}` : `${mount.source} of the host`;
  return `${mount.target}: ${what}${mount.readOnly ? ', read-only' : ''}`;
};

const mountTexts = ({ container: { mounts = [], imageMounts = [] } = {} }: Guest): string[] => [
  ...mounts.map(mountText),
  ...imageMounts.map(({ target, volume }) => `${target}: volume ${volume}, for the image`),
];

/** The last error of a guest in state `error`; empty otherwise. */
const failureOf = ({ id, state }: Guest): string => {
  if (state !== 'error') return '';
  const failed = store.jobList(id).find(({ job }) => job.Status === 'Error')?.job;
  return failed ? `${actionWords(failed.Action)}: ${failed.Message}` : '';
};

export const overviewTab = (guest: Guest): Tab => {
  const charts = loadCharts({
    path: path`/guests/${guest.id}/history`,
    cpus: () => store.guests.get(guest.id)?.cpu ?? 1,
    memory: () => (store.guests.get(guest.id)?.memory ?? 0) * MB,
    live: () => measurements.historyOf(guest.id),
  });
  const details = h('div');
  const agent = agentSection(guest.id);
  const failure = h('p', { class: 'problem boxed', hidden: true });
  let shown: Guest | undefined;
  let isMemoryShown = false;
  let shownAddresses: readonly GuestAddress[] | undefined;
  let disks: DiskUse[] | undefined;
  let disksAskedFor = guest.disks?.length ?? 0;
  // The disks are shown without what they take until the storage responds, and if it does not.
  const loadDisks = async (): Promise<void> => {
    disks = await get<DiskUse[]>(path`/guests/${guest.id}/disks`).catch(() => undefined);
    shown = undefined;
    draw(store.guests.get(guest.id) ?? guest);
  };
  let lastBackup: string | undefined;
  const loadBackups = async (): Promise<void> => {
    if (guest.type === 'container') return;
    const backups = await get<Backup[]>(path`/guests/${guest.id}/backups`).catch(() => undefined);
    lastBackup = backups && lastGoodText(backups);
    shown = undefined;
    draw(store.guests.get(guest.id) ?? guest);
  };
  const followBackups = whenJobsEnd(guest.id, ['backup'], () => void loadBackups());
  const followDisks = whenJobsEnd(guest.id, ['snapshot'], () => void loadDisks());
  const draw = (now: Guest): void => {
    const resident = measurements.memoryOf(now.id);
    const addresses = knownAddresses.of(now.id);
    if (now !== shown || isMemoryShown !== Boolean(resident) || addresses !== shownAddresses)
      details.replaceChildren(
        factsOf(
          now,
          resident,
          addresses,
          disks?.length === now.disks?.length ? disks : undefined,
          lastBackup,
        ),
      );
    shownAddresses = addresses;
    isMemoryShown = Boolean(resident);
    shown = now;
  };
  return {
    element: h('div', {}, failure, charts.element, details, agent.element),
    update: (now, kinds) => {
      followDisks();
      followBackups();
      const many = now.disks?.length ?? 0;
      if (many !== disksAskedFor) void loadDisks();
      disksAskedFor = many;
      draw(now);
      agent.update(now);
      setText(failure, failureOf(now));
      failure.hidden = failure.textContent === '';
      if (kinds.has('metrics')) charts.update();
    },
    close: () => {
      agent.close();
      charts.close();
    },
  };
};
