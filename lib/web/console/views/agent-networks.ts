import { MistifyError } from '../../../client/errors.js';
import type { HostNetwork, HostNetworks } from '../../../model/host-networks.js';
import { errorText, get } from '../api.js';
import { h } from '../dom.js';
import { plainTable } from '../plain-table.js';

const row = ({ name, kind, driver, guests, subnets, usable, reason }: HostNetwork): HTMLElement =>
  h(
    'tr',
    {},
    h('th', { scope: 'row' }, name),
    h('td', {}, driver ? `${kind} (${driver})` : kind),
    h('td', {}, guests.join(', ')),
    h('td', { class: 'medium-only' }, subnets.join(', ')),
    h('td', {}, usable ? 'yes' : `no: ${reason ?? 'unknown'}`),
  );

const tableOf = (networks: readonly HostNetwork[]): HTMLElement => {
  if (networks.length === 0) return h('p', { class: 'faint' }, 'No networks');
  return plainTable(
    [['Network'], ['Kind'], ['Guests'], ['Subnets', 'medium-only'], ['Usable']],
    h('tbody', {}, ...networks.map(row)),
  );
};

/** A table of the host's networks, empty until `load` and where the agent does not list them. */
export const networkTable = (): { element: HTMLElement; load: () => Promise<void> } => {
  const element = h('div', {});
  const show = (...nodes: Node[]): void => element.replaceChildren(h('h2', {}, 'Networks'), ...nodes);
  const load = async (): Promise<void> => {
    try {
      const { networks, problems } = await get<HostNetworks>('/networks');
      show(tableOf(networks), ...problems.map((problem) => h('p', { class: 'problem' }, problem)));
    } catch (error) {
      if (error instanceof MistifyError && error.status === 404) element.replaceChildren();
      else show(h('p', { class: 'problem' }, errorText(error)));
    }
  };
  return { element, load };
};
