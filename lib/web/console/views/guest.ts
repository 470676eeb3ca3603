import type { Guest } from '../../../model/guest.js';
import { ACTIONS, isEnabled, perform } from '../actions.js';
import { knownAddresses } from '../addresses.js';
import { h, setAttribute, setText } from '../dom.js';
import { backupsTab } from '../guest/backups.js';
import { changeTemplate, isTemplateChangeable, openClone } from '../guest/clone-dialog.js';
import { consoleTab } from '../guest/console.js';
import { disksTab } from '../guest/disks.js';
import { openEdit } from '../guest/edit.js';
import { metadataTab } from '../guest/metadata.js';
import { nicsTab } from '../guest/nics.js';
import { outputTab } from '../guest/output.js';
import { overviewTab } from '../guest/overview.js';
import { snapshotsTab } from '../guest/snapshots.js';
import type { Tab } from '../guest/tab.js';
import { warmButton, warmWords } from '../guest/warm.js';
import { measurements } from '../metrics.js';
import { copyable, jobProgress, stateBadge, stateOf } from '../parts.js';
import { address, go, goToList, listAddress, type View } from '../router.js';
import { store } from '../store.js';
import { exportGuest } from '../transfer.js';
import { jobsTable } from './jobs.js';

const TABS = [
  'overview',
  'screen',
  'serial',
  'output',
  'disks',
  'nics',
  'snapshots',
  'backups',
  'jobs',
  'metadata',
] as const;
type TabName = (typeof TABS)[number];

export const isTab = (name: string): name is TabName => TABS.some((each) => each === name);

const TITLES: Record<TabName, string> = {
  overview: 'Overview',
  screen: 'Screen',
  serial: 'Serial console',
  output: 'Output',
  disks: 'Disks',
  nics: 'Network',
  snapshots: 'Snapshots',
  backups: 'Backups',
  jobs: 'Jobs',
  metadata: 'Metadata',
};

const jobsTab = (guestId: string): Tab => {
  const table = jobsTable(true);
  const activity = h(
    'p',
    { class: 'changes' },
    h('a', { href: `${address('activity')}?guest=${guestId}` }, 'Who did what'),
  );
  return {
    element: h('div', { class: 'column' }, activity, table.element),
    update: () => {
      table.items = store.jobList(guestId);
    },
    key: (event) => table.key(event),
  };
};

const openTab = (name: TabName, guest: Guest): Tab => {
  switch (name) {
    case 'overview':
      return overviewTab(guest);
    case 'screen':
    case 'serial':
      return consoleTab(guest.id, name);
    case 'output':
      return outputTab(guest.id);
    case 'disks':
      return disksTab(guest.id);
    case 'nics':
      return nicsTab(guest.id);
    case 'snapshots':
      return snapshotsTab(guest.id);
    case 'backups':
      return backupsTab(guest.id);
    case 'jobs':
      return jobsTab(guest.id);
    case 'metadata':
      return metadataTab(guest.id);
  }
};

/** What only virtual machines have. */
const MACHINE_TABS: ReadonlySet<TabName> = new Set(['screen', 'disks', 'nics', 'snapshots', 'backups']);

/** What only containers have: a virtual machine prints on its serial console. */
const CONTAINER_TABS: ReadonlySet<TabName> = new Set(['output']);

const tabsOf = ({ type }: Guest): TabName[] => {
  const others = type === 'container' ? MACHINE_TABS : CONTAINER_TABS;
  return TABS.filter((name) => !others.has(name));
};

const actionButtons = (current: () => Guest): { element: HTMLElement; update(guest: Guest): void } => {
  const buttons = ACTIONS.map((button) => ({
    button,
    element: h(
      'button',
      {
        title: button.hint,
        class: button.action === 'delete' ? 'danger-text' : '',
        onclick: () => void perform(button, current()),
      },
      button.title,
    ),
  }));
  const exporting = h(
    'button',
    { title: 'Download it with its disks, as one file', onclick: () => exportGuest(current()) },
    'Export',
  );
  const edit = h(
    'button',
    { title: 'Change its name, labels and size', onclick: () => openEdit(current()) },
    'Edit',
  );
  const clone = h(
    'button',
    { title: 'Make another guest of this one', onclick: () => openClone(current()) },
    'Clone',
  );
  const template = h('button', { onclick: () => void changeTemplate(current()) });
  const warm = warmButton(current);
  return {
    element: h(
      'div',
      { class: 'actions changes', role: 'group', 'aria-label': 'Actions' },
      ...buttons.map(({ element }) => element),
      edit,
      exporting,
      clone,
      template,
      warm.element,
    ),
    update: (guest) => {
      edit.hidden = guest.state === 'error';
      exporting.hidden = guest.type === 'container' || guest.state === 'error';
      clone.hidden = guest.type === 'container' || guest.state === 'error';
      warm.update(guest);
      template.hidden = !isTemplateChangeable(guest);
      setText(template, guest.template ? 'Make it a guest again' : 'Make it a template');
      setAttribute(
        template,
        'title',
        guest.template ? 'Let it start again' : 'Keep it off, as what other guests are cloned from',
      );
      for (const { button, element } of buttons) {
        const isOn = isEnabled(button, guest);
        element.disabled = !isOn;
        element.hidden = !isOn && button.isPrimary === true;
        element.classList.toggle('primary', isOn && button.isPrimary === true && guest.state !== 'error');
      }
    },
  };
};

/** Creates the page of a guest that has been loaded. */
const openGuest = (first: Guest, name: TabName): Pick<View, 'element' | 'update' | 'key' | 'close'> => {
  let guest = first;
  const heading = h('h1');
  const badge = stateBadge();
  const progress = jobProgress();
  const actions = actionButtons(() => guest);
  const tab = openTab(name, guest);
  const link = (each: TabName): HTMLElement =>
    h(
      'a',
      { href: address('guests', guest.id, each), ...(each === name ? { 'aria-current': 'page' } : {}) },
      TITLES[each],
    );
  const element = h(
    'section',
    { class: `page guest-page tab-${name}` },
    h(
      'div',
      { class: 'toolbar' },
      h('a', { href: listAddress('guests'), class: 'back', 'aria-label': 'All guests' }, '←'),
      heading,
      badge.element,
      progress.element,
      h('span', { class: 'grow' }),
      copyable(guest.id, 'the guest ID'),
    ),
    actions.element,
    h('nav', { class: 'tabs', 'aria-label': 'Guest tabs' }, ...tabsOf(guest).map(link)),
    h('div', { class: 'tab' }, tab.element),
  );
  return {
    element,
    update: (kinds) => {
      guest = store.guests.get(guest.id) ?? guest;
      setText(heading, guest.metadata?.name || guest.id);
      badge.update(stateOf(guest), warmWords(guest) ?? guest.reason);
      progress.update(store.activeByGuest().get(guest.id));
      actions.update(guest);
      tab.update(guest, kinds);
    },
    key: (event) => tab.key?.(event) ?? false,
    close: () => tab.close?.(),
  };
};

export const guestView = (id: string, name: TabName): View => {
  const note = h('p', { class: 'empty' }, 'Loading …');
  const element = h('section', { class: 'page guest' }, note);
  let opened: ReturnType<typeof openGuest> | undefined;
  measurements.start(id);
  const goToTab = (step: number): void => {
    const guest = store.guests.get(id);
    if (!guest) return;
    const names = tabsOf(guest);
    const next = names[(names.indexOf(name) + step + names.length) % names.length];
    if (next) go('guests', id, next);
  };
  return {
    title: store.nameOf(id),
    element,
    update: (kinds) => {
      const guest = store.guests.get(id);
      if (!opened && guest) {
        knownAddresses.start(id);
        opened = openGuest(guest, name);
        element.replaceChildren(opened.element);
        element.querySelector('.tabs [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
        kinds = new Set(['guests', 'jobs', 'metrics', 'addresses']);
      }
      if (guest) opened?.update?.(kinds);
      else if (store.isLoaded) {
        opened?.close?.();
        opened = undefined;
        note.replaceChildren('This guest does not exist. ', h('a', { href: '#/guests' }, 'All guests'));
        element.replaceChildren(note);
      }
    },
    key: (event) => {
      const { key } = event;
      if (key === 'Escape') goToList('guests');
      else if (key === ']') goToTab(1);
      else if (key === '[') goToTab(-1);
      else return opened?.key?.(event) ?? false;
      return true;
    },
    close: () => {
      measurements.stop();
      knownAddresses.stop();
      opened?.close?.();
    },
  };
};
