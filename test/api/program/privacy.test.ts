import { chmod, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { callApi } from '../../helpers/api.js';
import { needsInTurn } from '../../helpers/needs.js';
import { freePort } from '../../helpers/ports.js';
import { startedPids, testServiceConfig } from '../../helpers/program.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { runAsNobody } from '../../helpers/sockets.js';

const test = needsInTurn('root', 'setpriv', 'curl');

const CALL =
  '{"method":"Libvirt.Delete","params":[{"guest":{"id":"7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10"}}],"id":1}';
const POST = ['--silent', '--show-error', '--header', 'Content-Type: application/json', '--data', CALL];
const STATUS = ['--output', '/dev/null', '--write-out', '%{http_code}'];

/** Asserts that the agent itself can call its sub-agent. */
const assertAgentCanCall = async (t: ExecutionContext, agent: RealAgent): Promise<void> => {
  t.is((await callApi(agent.url, 'GET', '/images')).status, 200);
  const { jobId } = await callApi(agent.url, 'POST', '/guests', { memory: 64 });
  await agent.client.waitForJob(jobId ?? '');
};

test('another local user cannot call a sub-agent on a socket, however open the parent directories are', async (t) => {
  const agent = await startRealAgent(t, await testServiceConfig().then((config) => () => config));
  await assertAgentCanCall(t, agent);
  const services = join(agent.dbpath, 'run/services');
  t.is((await stat(agent.dbpath)).mode & 0o777, 0o700);
  t.is((await stat(services)).mode & 0o777, 0o700);
  for (const dir of [dirname(agent.dbpath), agent.dbpath, join(agent.dbpath, 'run')]) await chmod(dir, 0o755);
  const url = 'http://localhost/_mistify_RPC_';
  const call = ['--unix-socket', join(services, 'test.sock'), ...POST, url];
  t.is((await runAsNobody('curl', ...call)).exitCode, 7, 'curl could connect');
  await chmod(services, 0o755);
  t.is((await runAsNobody('curl', ...call)).exitCode, 7, 'curl could connect');
  await chmod(join(services, 'test.sock'), 0o666);
  t.is((await runAsNobody('curl', ...call)).exitCode, 0, 'the modes alone keep others out');
});

test('another local user cannot call a sub-agent on a port or read its secret', async (t) => {
  const config = await testServiceConfig();
  const port = await freePort();
  const services = Object.fromEntries(
    Object.entries(config.services).map(([name, service]) => [name, { ...service, socket: undefined, port }]),
  );
  const agent = await startRealAgent(t, () => JSON.parse(JSON.stringify({ ...config, services })));
  await assertAgentCanCall(t, agent);
  for (const path of ['_mistify_RPC_', '_mistify_health_', '_mistify_events_', 'snapshots/download']) {
    const { stdout } = await runAsNobody('curl', ...POST, ...STATUS, `http://127.0.0.1:${port}/${path}`);
    t.is(stdout, '401', path);
  }
  const [pid] = startedPids(agent);
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
  const secret = /MISTIFY_SECRET=([^\0]+)/.exec(environment)?.[1] ?? '';
  t.true(secret.length >= 32);
  t.false((await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(secret));
  t.not((await runAsNobody('cat', `/proc/${pid}/environ`)).exitCode, 0);
  t.false(agent.output().includes(secret));
});
