import { isFinished } from '../../../model/job.js';
import type { Snapshot } from '../../../model/snapshot.js';
import { formatMb } from '../../../portable/format.js';
import { errorText, get, open, path, submit } from '../api.js';
import { attempt, confirm, field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { follow } from '../jobs.js';
import { token } from '../session.js';
import { store } from '../store.js';
import type { Tab } from './overview.js';

/** States of a guest that has its disks open: the agent rolls nothing back under it. */
const LIVE = ['running', 'paused', 'suspended', 'blocked', 'shutdown'];

interface Named {
  name: string;
  disks: { disk: string; size: number }[];
  consistency: string | undefined;
}

/** The disks that each snapshot has, by its name: ids are `guests/GUEST/disk-DISK@NAME`. */
const byName = (snapshots: readonly Snapshot[]): Named[] => {
  const found = new Map<string, Named>();
  for (const { id, size, consistency } of snapshots) {
    const [, disk = '', name = ''] = /(?:\/disk-([^@/]+))?@(.+)$/.exec(id) ?? [];
    const named: Named = found.get(name) ?? { name, disks: [], consistency };
    named.disks.push({ disk, size });
    found.set(name, named);
  }
  return [...found.values()].reverse();
};

const consistencyOf = ({ consistency }: Named): string => (consistency ? `${consistency}-consistent` : '');

const save = (url: string, name: string): void => {
  const link = h('a', { href: url, download: name });
  link.click();
};

/** A link can say nothing of who asks: with a token the bytes are fetched, and saved then. */
const download = async (target: string, name: string): Promise<void> => {
  if (token() === undefined) {
    save(target, name);
    return;
  }
  const url = URL.createObjectURL(await (await open('GET', target)).blob());
  save(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};

export const snapshots = (guestId: string): Tab => {
  const base = path`/guests/${guestId}/snapshots`;
  const list = h('tbody');
  const problem = h('p', { class: 'empty' }, 'Loading …');
  let ended = -1;

  const create = (): void => {
    const name = h('input', {
      autocomplete: 'off',
      pattern: '[a-zA-Z0-9_:.\\-]+',
      placeholder: 'before-upgrade',
      autofocus: true,
    });
    void formDialog({
      title: 'New snapshot',
      action: 'Take it',
      content: [field('Name', name, 'Letters, digits and _ : . - ; one is made when it is empty')],
      submit: async () => {
        const dest = name.value.trim();
        const { jobId } = await submit('POST', base, dest ? { dest } : {});
        const what = `${dest ? `“${dest}”` : 'A snapshot'} of ${store.nameOf(guestId)}`;
        follow(jobId, { title: `Snapshot: ${what}`, done: `${what} is taken.` });
      },
    });
  };

  const stateOf = (): string => store.guests.get(guestId)?.state ?? '';
  const isLive = (): boolean => LIVE.includes(stateOf());

  const rollBack = ({ name }: Named): void => {
    const newer = h('input', { type: 'checkbox' });
    void formDialog({
      title: `Roll back to “${name}”?`,
      action: 'Roll back',
      isDangerous: true,
      content: [
        h('p', {}, 'What was written to the disks since then is lost.'),
        isLive() &&
          h('p', { class: 'problem' }, `${store.nameOf(guestId)} is ${stateOf()}: shut it down first.`),
        h('label', { class: 'check' }, newer, 'Destroy newer snapshots, which are in the way'),
      ],
      isComplete: () => !isLive(),
      submit: async () => {
        const { jobId } = await submit('POST', `${base}${path`/${name}/rollback`}`, {
          destroyMoreRecent: newer.checked,
        });
        follow(jobId, {
          title: `Roll back to “${name}”`,
          done: `${store.nameOf(guestId)} is rolled back to “${name}”.`,
        });
      },
    });
  };

  const remove = ({ name }: Named): void => {
    void confirm(
      {
        title: `Delete the snapshot “${name}”?`,
        text: 'This cannot be undone.',
        action: 'Delete',
        isDangerous: true,
      },
      async () => {
        const { jobId } = await submit('DELETE', `${base}${path`/${name}`}`);
        follow(jobId, { title: `Delete the snapshot “${name}”`, done: `The snapshot “${name}” is deleted.` });
      },
    );
  };

  const downloads = ({ name, disks }: Named): HTMLElement[] =>
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
        { class: 'small', onclick: start },
        disks.length > 1 ? `Download disk ${disk}` : 'Download',
      );
    });

  const row = (named: Named): HTMLElement =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, named.name, h('small', { class: 'narrow-only' }, consistencyOf(named))),
      h('td', { class: 'c-number' }, formatMb(named.disks.reduce((sum, { size }) => sum + size, 0))),
      h('td', { class: 'faint medium-only' }, consistencyOf(named)),
      h(
        'td',
        { class: 'row-actions' },
        ...downloads(named),
        h('button', { class: 'small', onclick: () => rollBack(named) }, 'Roll back …'),
        h('button', { class: 'small', onclick: () => remove(named) }, 'Delete …'),
      ),
    );

  const load = async (): Promise<void> => {
    try {
      const all = byName(await get<Snapshot[]>(base));
      list.replaceChildren(...all.map(row));
      problem.textContent = all.length > 0 ? '' : 'There are no snapshots.';
    } catch (error) {
      problem.textContent = errorText(error);
    }
    problem.hidden = problem.textContent === '';
  };

  return {
    element: h(
      'div',
      {},
      h('p', {}, h('button', { class: 'primary', onclick: create }, 'New snapshot')),
      h(
        'table',
        { class: 'plain', 'aria-label': 'Snapshots' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, 'Name'),
            h('th', { scope: 'col', class: 'c-number' }, 'Size'),
            h('th', { scope: 'col', class: 'medium-only' }, 'Consistency'),
            h('th', { scope: 'col' }, h('span', { class: 'hidden' }, 'Actions')),
          ),
        ),
        list,
      ),
      problem,
    ),
    update: () => {
      const about = store
        .jobList(guestId)
        .filter(({ job }) => /snapshot/i.test(job.Action) && isFinished(job));
      if (about.length !== ended) void load();
      ended = about.length;
    },
  };
};
