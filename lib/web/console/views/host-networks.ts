import type { HostNetwork } from '../../../model/host-networks.js';
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

/** Creates a table of the networks that guests can use. */
export const networkTable = (networks: readonly HostNetwork[]): HTMLElement => {
  if (networks.length === 0) return h('p', { class: 'faint' }, 'No networks');
  return plainTable(
    [['Network'], ['Kind'], ['Guests'], ['Subnets', 'medium-only'], ['Usable']],
    h('tbody', {}, ...networks.map(row)),
    { label: 'Networks' },
  );
};
