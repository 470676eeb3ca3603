import { path } from '../../client/path.js';
import type { Volume } from '../../model/volume.js';
import type { VolumeBackup } from '../../model/volume-backup.js';
import { formatAge, formatBytes } from '../../portable/format.js';
import { get, submit } from './api.js';
import { attempt, field, formDialog, showDialog } from './dialogs.js';
import { h } from './dom.js';
import { follow } from './jobs.js';
import { plainTable } from './plain-table.js';

/** Says how the files of a backup stand to each other. */
const CONSISTENCIES: Readonly<Record<VolumeBackup['consistency'], string>> = {
  still: 'of one moment',
  changing: 'a container ran meanwhile',
};

export const backUpVolume = ({ name }: Volume): Promise<void> =>
  attempt(async () => {
    const { jobId } = await submit('POST', path`/volumes/${name}/backups`);
    follow(jobId, { title: `Back up ${name}`, done: `${name} backed up.` });
  });

const restore = ({ id, volume }: VolumeBackup): Promise<boolean> => {
  const name = h('input', {
    ...{ required: true, autocomplete: 'off', spellcheck: 'false', value: volume },
    ...{ pattern: '[a-zA-Z0-9][a-zA-Z0-9_.\\-]*', autofocus: true },
  });
  return formDialog({
    title: `Restore the backup of ${volume}`,
    action: 'Restore',
    content: [field('New volume', name, 'A name that no volume has')],
    isComplete: () => name.value.trim() !== '',
    submit: async () => {
      const wanted = { volume: name.value.trim() };
      const { jobId } = await submit('POST', path`/volume_backups/${id}/restore`, wanted);
      follow(jobId, { title: `Restore ${wanted.volume}`, done: `${wanted.volume} restored.` });
    },
  });
};

const row = (backup: VolumeBackup): HTMLElement =>
  h(
    'tr',
    {},
    h('td', {}, backup.volume),
    h('td', { title: backup.created }, formatAge(backup.created)),
    h('td', { class: 'c-number' }, backup.size === undefined ? '' : formatBytes(backup.size)),
    h(
      'td',
      { class: backup.problem ? 'problem' : 'faint' },
      backup.problem ?? CONSISTENCIES[backup.consistency],
    ),
    h(
      'td',
      { class: 'row-actions' },
      h('button', { class: 'small changes', onclick: () => void restore(backup) }, 'Restore'),
    ),
  );

/** Shows the backups of all volumes in the repository. */
export const showVolumeBackups = (): Promise<void> =>
  attempt(async () => {
    const backups = await get<VolumeBackup[]>('/volume_backups');
    const list = h('tbody', {}, ...backups.map(row));
    showDialog(
      'Backups of volumes',
      backups.length === 0
        ? h('p', { class: 'empty' }, 'No backups of volumes yet.')
        : plainTable([['Volume'], ['Age'], ['Size', 'c-number'], ['Files']], list, {
            label: 'Backups of volumes',
            hasActions: true,
          }),
    );
  });
