import test from 'ava';
import { NICS_LABEL } from '../../../../lib/subagents/container/definition.js';
import { start } from '../../../../lib/subagents/container/lifecycle.js';
import { startScriptedEngine } from '../../../helpers/scripted-engine.js';

/** A pid that no process has: above the maximum of Linux, proc_sys_kernel(5). */
const PID = 2 ** 22 + 1;

const NIC = { name: 'net0', network: 'br0', device: 'mt-none', vlans: [] };
const labels = { [NICS_LABEL]: JSON.stringify([NIC]) };

test('a container that exits while its NICs are connected counts as started and stopped', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, {
    a: [
      { running: false, labels },
      { running: true, pid: PID, labels },
      { running: false, labels },
    ],
  });
  await start(guests, 'a');
  t.is(guests.states.get('a')?.state, 'stopped');
  t.deepEqual(engine.requests, ['POST start']);
});

test('kills a container whose NICs cannot be connected', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, {
    a: [
      { running: false, labels },
      { running: true, pid: PID, labels },
    ],
  });
  await t.throwsAsync(start(guests, 'a'), { message: /ENOENT.*net\/dev/ });
  t.deepEqual(engine.requests, ['POST start', 'POST kill']);
});
