import { path } from '../../../client/path.js';
import type { Snapshot } from '../../../model/snapshot.js';
import { formatMb } from '../../../portable/format.js';
import { errorText, get, submit } from '../api.js';
import { attempt, confirm, field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { download } from '../download.js';
import { follow } from '../jobs.js';
import { plainTable } from '../plain-table.js';
import { store } from '../store.js';
import { agoAndTime } from '../times.js';
import { byName, consistencyOf, createdAgo, type GuestSnapshot, takenBy } from './guest-snapshot.js';
import type { Tab } from './tab.js';
import { whenJobsEnd } from './when-jobs-end.js';

/** The states of a guest that has its disks open; the agent refuses to roll those back. */
const LIVE = [
  ...['running', 'paused', 'suspended', 'blocked', 'shutdown'],
  ...['inmigrate', 'finish-migrate', 'postmigrate'],
];

const descriptionInput = (value = ''): HTMLInputElement => h('input', { autocomplete: 'off', value });

export const snapshotsTab = (guestId: string): Tab => {
  const base = path`/guests/${guestId}/snapshots`;
  const list = h('tbody');
  const note = h('p', { class: 'empty' }, 'Loading …');

  const stateOf = (): string => store.guests.get(guestId)?.state ?? '';
  const isLive = (): boolean => LIVE.includes(stateOf());

  const create = (): void => {
    const name = h('input', {
      autocomplete: 'off',
      pattern: '[a-zA-Z0-9_:.\\-]+',
      placeholder: 'before-upgrade',
      autofocus: true,
    });
    const description = descriptionInput();
    const memory = h('input', { type: 'checkbox' });
    void formDialog({
      title: 'New snapshot',
      action: 'Create',
      content: [
        field('Name', name, 'Letters, digits and _ : . - The default is a name with the current time.'),
        field('Description', description, 'What the snapshot is for.'),
        stateOf() === 'running' &&
          h('label', { class: 'check' }, memory, 'With memory: a rollback goes back to the running moment'),
      ],
      submit: async () => {
        const dest = name.value.trim();
        const { jobId } = await submit('POST', base, {
          ...(dest ? { dest } : {}),
          description: description.value.trim(),
          ...(memory.checked ? { memory: true } : {}),
        });
        const what = `snapshot ${dest ? `“${dest}” ` : ''}of ${store.nameOf(guestId)}`;
        follow(jobId, { title: `Create ${what}`, done: `Created ${what}.` });
      },
    });
  };

  const describe = ({ name, description }: GuestSnapshot): void => {
    const input = descriptionInput(description);
    void formDialog({
      title: `Describe snapshot “${name}”`,
      action: 'Save',
      content: [field('Description', input, 'What the snapshot is for.')],
      submit: async () => {
        const body = { description: input.value.trim() };
        const { jobId } = await submit('PATCH', `${base}${path`/${name}`}`, body);
        follow(jobId, { title: `Describe snapshot “${name}”`, done: `Snapshot “${name}” described.` });
      },
    });
  };

  const rollBack = ({ name, memory }: GuestSnapshot): void => {
    const newer = h('input', { type: 'checkbox' });
    const disksOnly = h('input', { type: 'checkbox' });
    const poweroff = h('input', { type: 'checkbox' });
    void formDialog({
      title: `Roll back to “${name}”?`,
      action: 'Roll back',
      isDangerous: true,
      content: [
        h('p', {}, 'Everything written to the disks since then is lost.'),
        memory !== undefined && h('p', {}, 'The guest continues from the moment of the snapshot.'),
        isLive() &&
          h('p', { class: 'problem' }, `${store.nameOf(guestId)} is ${stateOf()}: shut it down first.`),
        isLive() && h('label', { class: 'check' }, poweroff, 'Power it off, without shutting it down'),
        memory !== undefined &&
          h('label', { class: 'check' }, disksOnly, 'Roll back the disks only, and leave it off'),
        h('label', { class: 'check' }, newer, 'Also delete newer snapshots'),
      ],
      isComplete: () => !isLive() || poweroff.checked,
      submit: async () => {
        const { jobId } = await submit('POST', `${base}${path`/${name}/rollback`}`, {
          destroyMoreRecent: newer.checked,
          ...(disksOnly.checked ? { memory: false } : {}),
          ...(poweroff.checked ? { poweroff: true } : {}),
        });
        follow(jobId, {
          title: `Roll back to “${name}”`,
          done: `${store.nameOf(guestId)} rolled back to “${name}”.`,
        });
      },
    });
  };

  const remove = ({ name }: GuestSnapshot): void => {
    void confirm(
      {
        title: `Delete snapshot “${name}”?`,
        text: 'This cannot be undone.',
        action: 'Delete',
        isDangerous: true,
      },
      async () => {
        const { jobId } = await submit('DELETE', `${base}${path`/${name}`}`);
        follow(jobId, { title: `Delete snapshot “${name}”`, done: `Snapshot “${name}” deleted.` });
      },
    );
  };

  const downloads = ({ name, disks }: GuestSnapshot): HTMLElement[] =>
    disks.map(({ disk }) => {
      const target = disk === '' ? base : path`/guests/${guestId}/disks/${disk}/snapshots`;
      const start = (): void =>
        void attempt(() =>
          download(
            `${target}${path`/${name}/download`}`,
            `${store.nameOf(guestId)}-${disk || 'disk'}-${name}.raw`,
          ),
        );
      return h(
        'button',
        { class: 'small downloads', onclick: start },
        disks.length > 1 ? `Download disk ${disk}` : 'Download',
      );
    });

  const row = (snapshot: GuestSnapshot): HTMLElement =>
    h(
      'tr',
      {},
      h(
        'th',
        { scope: 'row' },
        h('span', {}, snapshot.name),
        ' ',
        snapshot.description && h('small', {}, snapshot.description),
        ' ',
        h('small', { class: 'narrow-only' }, [createdAgo(snapshot), consistencyOf(snapshot)].join(' ')),
      ),
      h('td', { class: 'faint medium-only' }, snapshot.created && agoAndTime(snapshot.created)),
      h('td', { class: 'c-number' }, formatMb(snapshot.disks.reduce((sum, { size }) => sum + size, 0))),
      h('td', { class: 'c-number medium-only' }, formatMb(takenBy(snapshot))),
      h('td', { class: 'faint medium-only' }, consistencyOf(snapshot)),
      h(
        'td',
        { class: 'row-actions' },
        ...downloads(snapshot),
        h('button', { class: 'small changes', onclick: () => describe(snapshot) }, 'Describe'),
        h('button', { class: 'small changes', onclick: () => rollBack(snapshot) }, 'Roll back'),
        h('button', { class: 'small changes', onclick: () => remove(snapshot) }, 'Delete'),
      ),
    );

  const load = async (): Promise<void> => {
    try {
      const all = byName(await get<Snapshot[]>(base));
      list.replaceChildren(...all.map(row));
      note.textContent = all.length > 0 ? '' : 'No snapshots yet.';
    } catch (error) {
      note.textContent = errorText(error);
    }
    note.hidden = note.textContent === '';
  };

  return {
    element: h(
      'div',
      {},
      h('p', {}, h('button', { class: 'primary changes', onclick: create }, 'New snapshot')),
      plainTable(
        [
          ['Name'],
          ['Created', 'medium-only'],
          ['Size', 'c-number'],
          ['Used', 'c-number medium-only'],
          ['Consistency', 'medium-only'],
        ],
        list,
        { label: 'Snapshots', hasActions: true },
      ),
      note,
    ),
    update: whenJobsEnd(guestId, ['snapshot'], () => void load()),
  };
};
