import test from 'ava';
import { createSimple, parsePercent } from '../../../../lib/subagents/examples/simple/service.js';
import { callMethod, GUEST_ID, serve, silentLog } from '../../../helpers/sub-agents.js';

const request = { guest: { id: GUEST_ID, memory: 128 }, action: 'create' };

test('Simple.DoStuff at 0% returns the guest unchanged', async (t) => {
  const port = await serve(t, createSimple(0, silentLog));
  for (let call = 0; call < 20; call++) {
    const { result } = await callMethod(port, 'Simple.DoStuff', request);
    t.deepEqual(result, { guest: request.guest });
  }
});

test('Simple.DoStuff at 100% always fails with the reason', async (t) => {
  const port = await serve(t, createSimple(100, silentLog));
  for (let call = 0; call < 20; call++) {
    const { status, error } = await callMethod(port, 'Simple.DoStuff', request);
    t.deepEqual({ status, error }, { status: 200, error: 'failed, as 100% of the calls do' });
  }
});

test('Simple.DoStuff at 50% fails sometimes', async (t) => {
  const port = await serve(t, createSimple(50, silentLog));
  const calls = Array.from({ length: 100 }, () => callMethod(port, 'Simple.DoStuff', request));
  const failed = (await Promise.all(calls)).filter(({ error }) => error !== null).length;
  t.true(failed > 0 && failed < 100, `${failed} of 100 failed`);
});

for (const bad of ['', '-1', '101', 'many'])
  test(`rejects the percentage "${bad}"`, (t) => {
    t.throws(() => parsePercent(bad), { message: 'Give a number from 0 to 100.' });
  });
