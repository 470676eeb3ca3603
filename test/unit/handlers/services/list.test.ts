import test from 'ava';
import { listServices } from '../../../../handlers/services/list.js';
import { event, startTestAgent } from '../../../helpers/agent.js';

test('lists the services, and why those that are down do not respond', async (t) => {
  const { context } = await startTestAgent(t);
  const services = () =>
    new Map([...(['qemu', 'storage', 'other'] as const)].map((name) => [name, name === 'qemu']));
  const problems = () => new Map([['qemu', ['a switch port is not removed yet, retrying']]]);
  const downReasons = () => new Map([['storage', 'it exited with code 1: the pool is gone']]);
  t.deepEqual((await listServices(event(), { ...context, services, downReasons, problems })).body, [
    { name: 'qemu', part: 'qemu', up: true, problems: ['a switch port is not removed yet, retrying'] },
    { name: 'storage', part: 'storage', up: false, reason: 'it exited with code 1: the pool is gone' },
    { name: 'other', part: 'other', up: false },
  ]);
});
