import { path } from '../../../client/path.js';
import type { CloneRequest } from '../../../model/clone.js';
import type { Guest } from '../../../model/guest.js';
import { isSaved } from '../../../model/intent.js';
import type { Snapshot } from '../../../model/snapshot.js';
import { get, submit } from '../api.js';
import { attempt, field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { follow } from '../jobs.js';
import { store } from '../store.js';
import { byName } from './guest-snapshot.js';

const HINTS = {
  ids: 'It gets an ID and MAC addresses of its own, and no static address.',
  linked: 'Build on the disks of this one: takes almost no room and time, and keeps them from being deleted',
  reset: 'Have cloud-init in it make new SSH host keys and a new machine ID',
};

/** Asks what to make of a guest, and queues its clone. */
export const openClone = (guest: Guest): void => {
  const { id, template = false } = guest;
  const title = store.nameOf(id);
  const check = (isChecked = false): HTMLInputElement =>
    h('input', { type: 'checkbox', ...(isChecked ? { checked: true } : {}) });
  const name = h('input', { autocomplete: 'off', autofocus: true, placeholder: `${title}-clone` });
  const snapshot = h('select', {}, h('option', { value: '' }, 'Its disks as they are now'));
  const [linked, start, reset] = [check(template), check(), check()];
  const linkedLabel = h('label', { class: 'check' }, linked, HINTS.linked);
  const request = (): CloneRequest => ({
    ...(name.value.trim() ? { name: name.value.trim() } : {}),
    ...(snapshot.value ? { snapshot: snapshot.value } : {}),
    linked: linked.checked && !linkedLabel.hidden,
    ...(reset.checked ? { reset: ['ssh-host-keys', 'machine-id'] } : {}),
    ...(start.checked ? { start: true } : {}),
  });
  // Without the list, its present state can be cloned all the same.
  void attempt(async () => {
    for (const each of byName(await get<Snapshot[]>(path`/guests/${id}/snapshots`)))
      snapshot.append(h('option', { value: each.name }, `Snapshot “${each.name}”`));
  });
  void formDialog({
    title: `Clone ${title}`,
    action: 'Clone',
    content: [
      field('Name', name, HINTS.ids),
      field('Of', snapshot),
      linkedLabel,
      h('label', { class: 'check' }, reset, HINTS.reset),
      h('label', { class: 'check' }, start, 'Start it afterwards'),
    ],
    isComplete: () => {
      linkedLabel.hidden = !template && snapshot.value === '';
      return true;
    },
    submit: async () => {
      const { jobId } = await submit('POST', path`/guests/${id}/clone`, request());
      follow(jobId, { title: `Clone ${title}`, done: `${title} cloned` });
    },
  });
};

/** Whether a guest can become a template, or a template a guest. */
export const isTemplateChangeable = (guest: Guest): boolean =>
  guest.type !== 'container' && (guest.template === true || (guest.state === 'shutoff' && !isSaved(guest)));

/** Makes a guest a template, or a template a guest. */
export const changeTemplate = ({ id, template = false }: Guest): Promise<void> =>
  attempt(async () => {
    const title = store.nameOf(id);
    const { jobId } = await submit('PATCH', path`/guests/${id}`, { template: !template });
    follow(jobId, {
      title: `Change ${title}`,
      done: template ? `${title} is a guest again.` : `${title} is a template.`,
    });
  });
