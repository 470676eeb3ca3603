import { MistifyError } from '../../../client/errors.js';
import { path } from '../../../client/path.js';
import type { Guest } from '../../../model/guest.js';
import type { AgentAddress, AgentFileSystem, GuestAgentInfo } from '../../../model/guest-agent.js';
import { formatMb } from '../../../portable/format.js';
import { errorText, get } from '../api.js';
import { h, setText } from '../dom.js';
import { facts } from '../parts.js';
import { sentence } from '../words.js';

/** A guest agent starts some time after its guest, and file systems fill up. */
const REFRESH_MS = 30_000;
const NOT_CONFIGURED = 404;

const addressText = ({ address, prefix, interface: name, nic }: AgentAddress): string =>
  `${address}/${prefix} on ${name}${nic === undefined ? '' : `, NIC ${nic}`}`;

/** Creates a line about a file system, with a bar of its use. */
const fileSystemLine = ({ mountpoint, type, size, used, disks }: AgentFileSystem): HTMLElement => {
  const place = [type, ...disks.map((disk) => `on ${disk}`)].filter(Boolean).join(' ');
  if (size === undefined || used === undefined || size === 0)
    return h('li', {}, `${mountpoint} `, h('span', { class: 'faint' }, place));
  const share = used / size;
  return h(
    'li',
    { class: 'file-system' },
    h('span', {}, mountpoint),
    h('meter', {
      ...{ min: 0, max: 1, low: 0.8, high: 0.9, optimum: 0, value: share },
      'aria-label': `Use of ${mountpoint}`,
    }),
    h('span', {}, `${formatMb(used)} of ${formatMb(size)} (${Math.round(share * 100)} %)`),
    h('span', { class: 'faint' }, place),
  );
};

const list = (items: readonly (Node | string)[] | undefined): Node | undefined =>
  items && items.length > 0
    ? h('ul', {}, ...items.map((item) => (typeof item === 'string' ? h('li', {}, item) : item)))
    : undefined;

const describe = ({
  version,
  hostname,
  os = {},
  addresses,
  fileSystems,
  users,
  timezone,
}: GuestAgentInfo): HTMLElement =>
  facts([
    ['Host name', hostname],
    ['System', [os.name, os.version].filter(Boolean).join(' ')],
    ['Kernel', os.kernel],
    ['Addresses', list(addresses?.map(addressText))],
    ['File systems', list(fileSystems?.map(fileSystemLine))],
    [
      'Logged in',
      list(users?.map(({ name, since }) => `${name}, since ${new Date(since).toLocaleString()}`)),
    ],
    ['Time zone', timezone?.name],
    ['Guest agent', version],
  ]);

/** A part of a guest's page that shows what the agent in the guest says. */
export interface AgentSection {
  element: HTMLElement;
  update(guest: Guest): void;
  close(): void;
}

/** Creates the section. It is hidden for containers, guests that do not run, and agents without the action. */
export const agentSection = (guestId: string): AgentSection => {
  const content = h('div');
  const note = h('p', { class: 'faint', hidden: true });
  const refresh = h('button', { class: 'quiet', onclick: () => void load() }, 'Refresh');
  const element = h(
    'section',
    { class: 'agent-section', hidden: true, 'aria-label': 'Guest agent' },
    h('div', { class: 'toolbar' }, h('h2', {}, 'Inside the guest'), refresh),
    note,
    content,
  );
  let isRunning = false;
  let isConfigured = true;
  let isClosed = false;

  const load = async (): Promise<void> => {
    if (!isRunning || !isConfigured) return;
    try {
      const info = await get<GuestAgentInfo>(path`/guests/${guestId}/agent`);
      if (info.responds) content.replaceChildren(describe(info));
      else content.replaceChildren();
      setText(note, sentence(info.reason ?? ''));
      note.hidden = info.responds;
    } catch (error) {
      isConfigured = !(error instanceof MistifyError && error.status === NOT_CONFIGURED);
      content.replaceChildren();
      setText(note, errorText(error));
      note.hidden = false;
    }
    element.hidden = isClosed || !isRunning || !isConfigured;
  };

  const timer = setInterval(() => void load(), REFRESH_MS);
  return {
    element,
    update: ({ type, state }) => {
      const runs = state === 'running' && type !== 'container';
      if (runs === isRunning) return;
      isRunning = runs;
      element.hidden = true;
      void load();
    },
    close: () => {
      isClosed = true;
      clearInterval(timer);
    },
  };
};
