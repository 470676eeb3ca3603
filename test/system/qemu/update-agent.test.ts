import { AGENT_PARTS } from '../../helpers/agent-disk.js';
import { sizedGuestWithAgent } from '../../helpers/agent-guest.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';

const test = needs(...LINUX_PARTS, ...AGENT_PARTS);

test('puts the new vCPUs of a running guest to use through its agent', async (t) => {
  const { host, guest, viewer } = await sizedGuestWithAgent(t, { cpu: 1, maxCpu: 3 });
  const { message } = await host.change('Update', guest.id, { cpu: 3 });
  t.is(message, 'the guest has 3 vCPUs now');
  viewer.type('echo "cpus in use:" $(nproc)\n');
  t.true(await viewer.sees('cpus in use: 3'));
});
