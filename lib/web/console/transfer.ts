import { path } from '../../client/path.js';
import type { Guest } from '../../model/guest.js';
import { sendRequest } from './api.js';
import { field, formDialog, toast } from './dialogs.js';
import { h } from './dom.js';
import { download } from './download.js';
import { textInput } from './inputs.js';
import { follow } from './jobs.js';

/** The endings of the files that a guest can be exported to, by the formats of the API. */
const ENDINGS = { mistify: 'tar.zst', ova: 'ova' } as const;

/** Asks for a format, and downloads a virtual machine as one file. */
export const exportGuest = ({ id, metadata }: Guest): void => {
  const name = metadata?.name || id;
  const format = h(
    'select',
    { autofocus: true },
    h('option', { value: 'mistify' }, 'A file for an agent like this one'),
    h('option', { value: 'ova' }, 'An OVA, for VirtualBox, VMware and others'),
  );
  void formDialog({
    title: `Export ${name}`,
    action: 'Export',
    content: [field('Format', format, 'An OVA leaves out what other programs do not know.')],
    submit: async () => {
      const wanted = format.value === 'ova' ? 'ova' : 'mistify';
      toast(`Exporting ${name} …`);
      await download(`${path`/guests/${id}/export`}?format=${wanted}`, `${name}.${ENDINGS[wanted]}`);
    },
  });
};

/** Opens the dialog that imports a virtual machine. */
export const openImport = (): void => {
  const file = h('input', { type: 'file', required: true, autofocus: true });
  const [name, network] = [textInput({ name: 'name' }), textInput({ name: 'network' })];
  const start = h('input', { type: 'checkbox' });
  void formDialog({
    title: 'Import a guest',
    action: 'Import',
    content: [
      field('File', file, 'An exported guest, or an OVA of VirtualBox or VMware.'),
      field('Name', name, 'Optional; by default the one in the file.'),
      field('Network', network, 'Optional; for all NICs, in place of those in the file.'),
      h('label', { class: 'check' }, start, 'Start the guest'),
    ],
    isComplete: () => file.files?.length === 1,
    submit: async () => {
      const query = new URLSearchParams({ start: String(start.checked) });
      for (const input of [name, network]) if (input.value.trim()) query.set(input.name, input.value.trim());
      const upload = file.files?.[0];
      const response = await sendRequest('POST', `/guests/import?${query}`, upload ? { upload } : {});
      const title = `Import ${upload?.name}`;
      follow(response.headers.get('X-Guest-Job-ID') ?? '', { title, done: `Imported ${upload?.name}.` });
    },
  });
};
