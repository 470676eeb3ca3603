import { path } from '../../../client/path.js';
import type { Guest, Nic } from '../../../model/guest.js';
import { submit } from '../api.js';
import { attempt, confirm, field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { follow } from '../jobs.js';
import { plainTable } from '../plain-table.js';
import { store } from '../store.js';
import type { Tab } from './tab.js';

const textInput = (value: string, placeholder = ''): HTMLInputElement =>
  h('input', { autocomplete: 'off', spellcheck: 'false', value, placeholder });

const vlansIn = ({ value }: HTMLInputElement): number[] => (value.trim() ? value.split(',').map(Number) : []);

const cableOf = ({ link, removing }: Nic): string => {
  if (removing) return 'being removed';
  return link === 'down' ? 'unplugged' : 'plugged in';
};

/** The NICs of a virtual machine, which can be added, moved, unplugged and removed. */
export const nicsTab = (guestId: string): Tab => {
  const base = path`/guests/${guestId}/nics`;
  const list = h('tbody');
  const note = h('p', { class: 'empty' }, 'No NICs yet.');
  const name = (): string => store.nameOf(guestId);
  const of = (nic: Nic): string => `${base}${path`/${nic.name ?? ''}`}`;

  const add = (): void => {
    const [network, vlans, mac] = [textInput('user'), textInput('', '10, 20'), textInput('')];
    void formDialog({
      title: `Add a NIC to ${name()}`,
      action: 'Add',
      content: [
        field('Network', network, 'A bridge on this host, or “user” for user-mode networking (NAT)'),
        field('VLANs', vlans, 'Separated by commas; empty for the default'),
        field('MAC address', mac, 'Empty to have one generated'),
      ],
      submit: async () => {
        const address = mac.value.trim();
        const { jobId } = await submit('POST', base, {
          network: network.value.trim(),
          vlans: vlansIn(vlans),
          ...(address ? { mac: address } : {}),
        });
        follow(jobId, { title: `Add a NIC to ${name()}`, done: `${name()} has a new NIC.` });
      },
    });
  };

  const move = (nic: Nic): void => {
    const [network, vlans] = [textInput(nic.network), textInput(nic.vlans.join(', '))];
    void formDialog({
      title: `Move ${nic.name} of ${name()} to another network`,
      action: 'Move',
      content: [
        h('p', {}, 'A running guest sees its cable unplugged for a second, and asks for an address again.'),
        field('Network', network, 'A bridge on this host'),
        field('VLANs', vlans, 'Separated by commas; empty for the default'),
      ],
      submit: async () => {
        const patch = { network: network.value.trim(), vlans: vlansIn(vlans) };
        const { jobId } = await submit('PATCH', of(nic), patch);
        follow(jobId, { title: `Move ${nic.name} of ${name()}`, done: `${nic.name} of ${name()} moved.` });
      },
    });
  };

  const plug = (nic: Nic): void => {
    const link = nic.link === 'down' ? 'up' : 'down';
    void attempt(async () => {
      const { jobId } = await submit('PATCH', of(nic), { link });
      const words = link === 'up' ? 'plugged in' : 'unplugged';
      follow(jobId, {
        title: `Cable of ${nic.name} of ${name()}`,
        done: `The cable of ${nic.name} of ${name()} is ${words}.`,
      });
    });
  };

  const remove = (nic: Nic): void => {
    void confirm(
      {
        title: `Remove ${nic.name} of ${name()}?`,
        text: `The guest loses its connection to ${nic.network}.`,
        action: 'Remove',
        isDangerous: true,
      },
      async () => {
        const { jobId } = await submit('DELETE', of(nic));
        follow(jobId, {
          title: `Remove ${nic.name} of ${name()}`,
          done: `The removal of ${nic.name} of ${name()} is done or waits for the guest: see the job.`,
        });
      },
    );
  };

  const row = (nic: Nic): HTMLElement =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, nic.name ?? ''),
      h('td', {}, nic.vlans.length > 0 ? `${nic.network}, VLAN ${nic.vlans.join(', ')}` : nic.network),
      h('td', { class: 'faint medium-only' }, nic.mac ?? ''),
      h('td', { class: 'medium-only' }, nic.address),
      h('td', {}, cableOf(nic)),
      h(
        'td',
        { class: 'row-actions' },
        ...(nic.removing
          ? []
          : [
              h('button', { class: 'small changes', onclick: () => move(nic) }, 'Move'),
              h(
                'button',
                { class: 'small changes', onclick: () => plug(nic) },
                nic.link === 'down' ? 'Plug in' : 'Unplug',
              ),
              h('button', { class: 'small changes', onclick: () => remove(nic) }, 'Remove'),
            ]),
      ),
    );

  let shown: Guest['nics'];
  return {
    element: h(
      'div',
      {},
      h('p', {}, h('button', { class: 'primary changes', onclick: add }, 'Add NIC')),
      plainTable(
        [['NIC'], ['Network'], ['MAC', 'medium-only'], ['Address', 'medium-only'], ['Cable']],
        list,
        { label: 'NICs', hasActions: true },
      ),
      note,
    ),
    update: ({ nics = [] }) => {
      if (nics === shown) return;
      shown = nics;
      list.replaceChildren(...nics.map(row));
      note.hidden = nics.length > 0;
    },
  };
};
