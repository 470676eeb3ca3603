import ava from 'ava';
import type { Nic } from '../../lib/model/guest.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage } from '../helpers/browser.js';
import { needsInTurn } from '../helpers/needs.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

const nic = (name: string, more: Partial<Nic> = {}): Nic => ({
  ...{ name, network: 'br0', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [] },
  ...more,
});

test('adds, moves, unplugs and removes NICs in their tab', async (t) => {
  const [net0, moved] = [nic('net0'), { network: 'br2', vlans: [7] }];
  const changed = [nic('net1', moved), nic('net1', { ...moved, link: 'down' })];
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.addNic': ({ guest }) => ({ guest: { ...guest, nics: [net0, nic('net1', { network: 'br1' })] } }),
      'Test.changeNic': ({ guest }) => ({ guest: { ...guest, nics: [net0, changed.shift()] } }),
      'Test.removeNic': ({ guest }) => ({ guest: { ...guest, nics: [net0] } }),
    },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web' }, nics: [net0] });
  const page = await openPage(t, `${url}/#/guests/${id}/nics`);
  const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });
  const dialog = page.getByRole('dialog');
  await row('net0').getByText('br0').waitFor();

  await page.getByRole('button', { name: 'Add NIC' }).click();
  await dialog.getByLabel('Network').fill('br1');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await row('net1').getByText('br1').waitFor();

  await row('net1').getByRole('button', { name: 'Move', exact: true }).click();
  await dialog.getByLabel('Network').fill('br2');
  await dialog.getByLabel('VLANs').fill('7');
  await dialog.getByRole('button', { name: 'Move', exact: true }).click();
  await row('net1').getByText('br2, VLAN 7').waitFor();

  await row('net1').getByRole('button', { name: 'Unplug' }).click();
  await row('net1').getByText('unplugged').waitFor();
  t.deepEqual(
    scripted.requests('Test.changeNic').map(({ change }) => change),
    [
      { name: 'net1', nic: moved },
      { name: 'net1', nic: { link: 'down' } },
    ],
  );

  await row('net1').getByRole('button', { name: 'Remove' }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await row('net1').waitFor({ state: 'detached' });
  t.is(await row('net0').count(), 1);
});
