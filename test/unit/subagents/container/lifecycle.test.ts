import test from 'ava';
import { NICS_LABEL } from '../../../../lib/subagents/container/definition.js';
import { start } from '../../../../lib/subagents/container/lifecycle.js';
import { startScriptedEngine } from '../../../helpers/scripted-engine.js';

/** Above the highest that Linux gives out (proc_pid_max(5)): a process that has ended. */
const PID = 2 ** 22 + 1;

const NIC = { name: 'net0', network: 'br0', device: 'mt-none', vlans: [] };
const labels = { [NICS_LABEL]: JSON.stringify([NIC]) };

test('a container that ends while it is plugged in has been started, and is stopped', async (t) => {
  const { engine, containers } = await startScriptedEngine(t, {
    a: [
      { running: false, labels },
      { running: true, pid: PID, labels },
      { running: false, labels },
    ],
  });
  await start(containers, 'a');
  t.is(containers.states.get('a')?.state, 'stopped');
  t.deepEqual(engine.asked, ['POST start']);
});

test('a container that runs and cannot be plugged in is killed', async (t) => {
  const { engine, containers } = await startScriptedEngine(t, {
    a: [
      { running: false, labels },
      { running: true, pid: PID, labels },
    ],
  });
  await t.throwsAsync(start(containers, 'a'), { message: /ENOENT.*net\/dev/ });
  t.deepEqual(engine.asked, ['POST start', 'POST kill']);
});
