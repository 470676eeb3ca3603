import test from 'ava';
import type { Disk, Nic } from '../../../../lib/model/guest.js';
import { HEALTH_PATH, type Health } from '../../../../lib/rpc/protocol/calls.js';
import { createTestService } from '../../../../lib/subagents/examples/test-service/service.js';
import { callMethod, GUEST_ID, serve, silentLog } from '../../../helpers/sub-agents.js';

const guest = { id: GUEST_ID, memory: 128, cpu: 2, metadata: { owner: 'ops' } };
const nic: Nic = { network: 'br0', model: '', address: '', netmask: '', gateway: '', vlans: [] };
const disk: Disk = { bus: '', device: '', size: 0, volume: '', image: 'debian-12', source: '' };

const STATES = {
  'Libvirt.CreateGuest': 'shutoff',
  'Libvirt.Create': 'running',
  'Libvirt.Run': 'running',
  'Libvirt.Reboot': 'running',
  'Libvirt.Restart': 'running',
  'Libvirt.Resume': 'running',
  'Libvirt.Suspend': 'paused',
  'Libvirt.Shutdown': 'shutoff',
  'Libvirt.Poweroff': 'shutoff',
  'Libvirt.Delete': 'shutoff',
  'Test.Create': 'running',
  'Test.Run': 'running',
  'Test.Reboot': 'running',
  'Test.Restart': 'running',
  'Test.Shutdown': 'shutoff',
  'Test.Poweroff': 'shutoff',
  'Test.Delete': 'shutoff',
  'MDocker.CreateContainer': 'stopped',
  'MDocker.StartContainer': 'running',
  'MDocker.RebootContainer': 'running',
  'MDocker.RestartContainer': 'running',
  'MDocker.UnpauseContainer': 'running',
  'MDocker.PauseContainer': 'paused',
  'MDocker.StopContainer': 'stopped',
  'MDocker.DeleteContainer': 'deleted',
};

for (const [method, state] of Object.entries(STATES))
  test(`${method} returns the guest as ${state}`, async (t) => {
    const port = await serve(t, createTestService(silentLog));
    const { result } = await callMethod(port, method, { guest, action: 'any' });
    t.like(result, { guest: { ...guest, state } });
  });

test('serves every method of the contract', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const health = (await (await fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`)).json()) as Health;
  const named = {
    ImageStore:
      'ListImages GetImage RequestImage DeleteImage CloneImage ListSnapshots GetSnapshot CreateSnapshot ' +
      'DeleteSnapshot RollbackSnapshot VerifyDisks CreateGuestDisks DeleteGuestsDisks Space',
    Libvirt:
      'CreateGuest Create Delete Restart Reboot Poweroff Shutdown Run Suspend Resume Status CPUMetrics ' +
      'DiskMetrics NicMetrics',
    MDocker:
      'ListContainers GetContainer DeleteContainer SaveContainer CreateContainer StartContainer StopContainer ' +
      'RestartContainer RebootContainer PauseContainer UnpauseContainer ListImages GetImage LoadImage DeleteImage',
    Test:
      'Restart Poweroff Delete Create Run Reboot Shutdown CPUMetrics DiskMetrics NicMetrics ListImages GetImage ' +
      'DeleteImage RequestImage ListSnapshots GetSnapshot CreateSnapshot DeleteSnapshot RollbackSnapshot ' +
      'CreateContainer StartContainer RebootContainer RestartContainer StopContainer DeleteContainer',
  };
  for (const [service, methods] of Object.entries(named))
    for (const method of methods.split(' ')) t.true(health.methods.includes(`${service}.${method}`), method);
});

test('ImageStore.CreateGuestDisks fills in the fields that a storage sub-agent would', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const { result } = await callMethod(port, 'ImageStore.CreateGuestDisks', {
    guest: { ...guest, disks: [disk, { ...disk, image: '', size: 20 }] },
  });
  t.like(result, {
    guest: {
      disks: [
        { bus: 'virtio', device: 'vda', size: 1024, volume: `guests/${GUEST_ID}/disk-0` },
        { bus: 'virtio', device: 'vdb', size: 20, volume: `guests/${GUEST_ID}/disk-1` },
      ],
    },
  });
});

test('Libvirt.Create fills in NICs and the VNC port; Libvirt.Poweroff clears the port', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const created = await callMethod(port, 'Libvirt.Create', { guest: { ...guest, nics: [nic] } });
  t.like(created.result, { guest: { vnc: 5900, nics: [{ name: 'net0', model: 'virtio', device: 'tap0' }] } });
  const off = await callMethod(port, 'Libvirt.Poweroff', created.result);
  t.like(off.result, { guest: { vnc: 0 } });
});

test('Libvirt.Status returns the caller’s own state', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const { result } = await callMethod(port, 'Libvirt.Status', { guest: { ...guest, state: 'paused' } });
  t.like(result, { guest: { state: 'paused' } });
});

test('reports metrics for each vCPU, disk and NIC of the guest', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const request = { guest: { ...guest, disks: [disk, disk], nics: [{ ...nic, name: 'lan' }] } };
  const cpu = await callMethod(port, 'Libvirt.CPUMetrics', request);
  t.like(cpu.result, { type: 'cpu', cpu: [{ cpu_time: 12.5 }, { cpu_time: 12.5 }] });
  const disks = await callMethod(port, 'Libvirt.DiskMetrics', request);
  t.like(disks.result, { type: 'disk', disk: { vda: { disk: 'vda' }, vdb: { disk: 'vdb' } } });
  const nics = await callMethod(port, 'Libvirt.NicMetrics', request);
  t.like(nics.result, { type: 'nic', nic: { lan: { name: 'lan', rx_packets: 1024 } } });
});

test('returns an image with the requested id', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  for (const method of ['GetImage', 'RequestImage', 'DeleteImage']) {
    const { result } = await callMethod(port, `ImageStore.${method}`, { id: 'debian-12', type: 'kvm' });
    t.like(result, { images: [{ id: 'debian-12', type: 'kvm', status: 'complete' }] });
  }
});

test('lists container images separately', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const { result } = await callMethod(port, 'MDocker.ListImages', { type: 'container' });
  t.like(result, { images: [{ id: 'localhost/busybox:1', type: 'container' }] });
});

test('names a new snapshot as requested, on the first disk by default', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const request = { id: `guests/${GUEST_ID}`, dest: 'monday', recursive: true, destroyMoreRecent: false };
  const { result } = await callMethod(port, 'ImageStore.CreateSnapshot', request);
  t.like(result, { snapshots: [{ id: `guests/${GUEST_ID}/disk-0@monday` }] });
});

test('lists snapshots of the requested disk', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const { result } = await callMethod(port, 'ImageStore.ListSnapshots', { id: `guests/${GUEST_ID}/disk-1` });
  t.like(result, { snapshots: [{ id: `guests/${GUEST_ID}/disk-1@before-upgrade` }] });
});

test('rejects a malformed snapshot id and shows the format', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const { error } = await callMethod(port, 'ImageStore.GetSnapshot', { id: 'tank/1' });
  t.is(error, '"tank/1" is not a snapshot id: it must look like guests/GUEST/disk-0@NAME');
});

test('streams the same bytes of a snapshot each time', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const download = async (): Promise<Buffer> => {
    const response = await fetch(`http://127.0.0.1:${port}/snapshots/download`, {
      method: 'POST',
      body: JSON.stringify({ id: `guests/${GUEST_ID}/disk-0@nightly` }),
      headers: { connection: 'close' },
    });
    t.is(response.status, 200);
    t.is(response.headers.get('content-type'), 'application/octet-stream');
    return Buffer.from(await response.arrayBuffer());
  };
  const bytes = await download();
  t.is(bytes.length, 1024 * 1024);
  t.deepEqual(await download(), bytes);
});

test('responds 404 to a download without a snapshot name', async (t) => {
  const port = await serve(t, createTestService(silentLog));
  const response = await fetch(`http://127.0.0.1:${port}/snapshots/download`, {
    method: 'POST',
    body: JSON.stringify({ id: `guests/${GUEST_ID}` }),
    headers: { connection: 'close' },
  });
  t.is(response.status, 404);
  t.is(await response.text(), `snapshot guests/${GUEST_ID}: not found\n`);
});
