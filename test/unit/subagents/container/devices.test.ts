import test from 'ava';
import { deviceOptions } from '../../../../lib/subagents/container/devices.js';
import type { EngineProgram } from '../../../../lib/subagents/container/engine.js';
import { policyOf } from '../../../../lib/subagents/container/policy.js';

const DOCKER: EngineProgram = { kind: 'docker', api: [1, 51], updates: true };
const policy = policyOf({ allowDevice: ['/dev/fuse', 'nvidia.com/gpu=*', 'vendor.com/nic=0'] });

test('asks for paths and CDI devices in the fields that Docker has for them', (t) => {
  t.deepEqual(deviceOptions({ devices: ['/dev/fuse', 'nvidia.com/gpu=1'] }, policy, DOCKER) as unknown, {
    Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' }],
    DeviceRequests: [{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=1'], Capabilities: [] }],
  });
  t.deepEqual(deviceOptions({}, policy, DOCKER), {});
});

for (const device of ['/dev/fuse2', '/dev/kmsg', 'nvidia.com/gp=0', 'vendor.com/nic=01'])
  test(`refuses ${device}, which the host does not allow`, (t) => {
    t.throws(() => deviceOptions({ devices: [device] }, policy, DOCKER), {
      name: 'Refusal',
      message: new RegExp(`asks for ${device}, .*--allow-device ${device}`),
    });
  });

for (const program of [
  { kind: 'podman', api: [1, 41], updates: false },
  { kind: 'docker', api: [1, 41], updates: true },
] as EngineProgram[])
  test(`refuses a CDI device that ${program.kind} of API 1.41 would ignore`, (t) => {
    t.throws(() => deviceOptions({ devices: ['nvidia.com/gpu=1'] }, policy, program), {
      message: /no CDI devices/,
    });
  });
