import { path } from '../../../client/path.js';
import type { Backup } from '../../../model/backup.js';
import type { RestoreRequest } from '../../../model/restore.js';
import { submit } from '../api.js';
import { field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { follow } from '../jobs.js';
import { store } from '../store.js';
import { timeText } from '../times.js';

const NEW = 'new';
const SAME = 'same';

/** Asks where to restore a backup to, and queues that. */
export const openRestore = (backup: Backup): void => {
  const isHere = store.guests.has(backup.guest);
  const nameOfGuest = isHere ? store.nameOf(backup.guest) : (backup.name ?? backup.guest);
  const state = (): string => store.guests.get(backup.guest)?.state ?? '';
  const target = h(
    'select',
    { autofocus: true },
    h('option', { value: NEW }, 'A new guest'),
    h(
      'option',
      { value: SAME },
      isHere
        ? `${nameOfGuest}, in place of what it has now`
        : `${nameOfGuest} again, with its ID and its MAC addresses`,
    ),
  );
  const name = h('input', { autocomplete: 'off', value: `${backup.name ?? nameOfGuest}-restored` });
  const start = h('input', { type: 'checkbox' });
  const nameField = field('Name', name, 'It gets an ID and MAC addresses of its own, and no static address.');
  const warning = h('p', { class: 'problem', hidden: true });
  const isSame = (): boolean => target.value === SAME;
  const isBlocked = (): boolean => isHere && isSame() && state() !== 'shutoff' && state() !== 'crashed';
  const request = (): RestoreRequest => ({
    ...(isSame() ? { guest: backup.guest } : { name: name.value.trim() }),
    ...(start.checked ? { start: true } : {}),
  });
  void formDialog({
    title: `Restore the backup of ${timeText(backup.created)}`,
    action: 'Restore',
    content: [
      field('As', target),
      nameField,
      warning,
      h('label', { class: 'check' }, start, 'Start it afterwards'),
    ],
    isComplete: () => {
      nameField.hidden = isSame();
      warning.hidden = !isSame();
      warning.textContent = isBlocked()
        ? `${nameOfGuest} is ${state()}: shut it down first.`
        : isHere
          ? 'Everything that its disks have now is lost.'
          : 'Make sure that it does not still run on another host.';
      return !isBlocked() && (isSame() || name.value.trim() !== '');
    },
    submit: async () => {
      const { jobId } = await submit('POST', path`/backups/${backup.id}/restore`, request());
      const what = isSame() ? nameOfGuest : name.value.trim();
      follow(jobId, { title: `Restore ${what}`, done: `${what} restored.` });
    },
  });
};
