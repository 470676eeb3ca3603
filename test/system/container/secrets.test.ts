import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { refusingPort } from '../../helpers/ports.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const PASSWORD = 'registry-password-7f3a';
const SECRET_ENV = 'secret-environment-9c1d';
const EXEC_ENV = 'environment-of-exec-51e0';
const EXEC_INPUT = 'input-of-exec-88ab';
const AUTH = Buffer.from(`user:${PASSWORD}`).toString('base64');
const SECRETS = { PASSWORD, AUTH, SECRET_ENV, EXEC_ENV, EXEC_INPUT };

/** Every list that a client can read without the scope for secrets, and the logs of a host. */
const PATHS = [
  ...['/guests', '/jobs', '/images', '/container_images', '/services', '/host', '/networks', '/metadata'],
  ...['/metrics', '/guests/metrics', '/volumes', '/schedules', '/readyz', '/openapi.json', '/access'],
];

/** Reads the events so far. */
const eventsOf = async (url: string): Promise<string> => {
  const response = await fetch(`${url}/events?after=0`, { signal: AbortSignal.timeout(3000) });
  let text = '';
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
      text += Buffer.from(chunk).toString();
  } catch {
    // Events have no end.
  }
  return text;
};

/** Reads the files of a directory whose names match, at any depth. */
const filesOf = async (dir: string, matches: RegExp): Promise<string> => {
  const names = (await readdir(dir, { recursive: true })).filter((name) => matches.test(`/${name}`));
  return (await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8').catch(() => '')))).join(
    '\n',
  );
};

test('passwords of registries, secret environment and what is run appear in no log, event, job, metric, list or error', async (t) => {
  const agent = await startContainerAgent(t, (await shared.engine()).socket);
  const { client, url, dbpath } = agent;
  const registry = `127.0.0.1:${await refusingPort(t)}`;
  const auths = { auths: { [registry]: { auth: AUTH } } };
  await writeFile(join(dbpath, 'container/auth.json'), JSON.stringify(auths), { mode: 0o600 });
  const errors: string[] = [];
  const fails = async (work: Promise<unknown>): Promise<void> => {
    const error = await t.throwsAsync(work);
    errors.push(error.message, JSON.stringify(error));
  };
  const job = async (accepted: Promise<{ jobId: string }>): Promise<unknown> =>
    client.waitForJob((await accepted).jobId);

  await fails(job(client.containerImages.fetch({ id: `${registry}/private:1` })));
  const { id: _, ...spec } = newGuest();
  const secretEnv = { TOKEN: SECRET_ENV };
  const made = await client.guests.create({ ...spec, container: { command: ['sleep', '600'], secretEnv } });
  await client.waitForJob(made.jobId);
  const failing = { ...spec, container: { command: ['no-such-program'], secretEnv } };
  await fails(job(client.guests.create(failing)));
  await fails(
    job(client.guests.create({ ...spec, image: `${registry}/private:2`, container: { secretEnv } })),
  );
  const { id } = made.body;
  const sh = (script: string): string[] => ['sh', '-c', script];
  const read = await client.guests.exec(id, { command: sh('echo $TOKEN'), env: { OTHER: EXEC_ENV } });
  t.is(read.stdout, `${SECRET_ENV}\n`, 'the program itself has it');
  await client.guests.exec(id, { command: ['cat'], input: EXEC_INPUT });
  const program = await client.guests.openExec(id, { command: ['cat'], env: { OTHER: EXEC_ENV } });
  program.stdout.resume();
  program.stdin.end(EXEC_INPUT);
  t.is(await program.ended, 0);
  await job(client.guests.perform(id, 'restart'));

  const lists = await Promise.all(
    PATHS.map(async (path) => `${path}: ${await (await fetch(url + path)).text()}`),
  );
  const seen = {
    ...{ lists: lists.join('\n'), errors: errors.join('\n'), output: agent.output() },
    ...{ events: await eventsOf(url), guest: await (await fetch(`${url}/guests/${id}`)).text() },
    logs: await filesOf(dbpath, /\/events\/|audit|\.log$/),
  };
  t.true(seen.events.includes(id));
  t.true(seen.lists.includes('mistify_guest_program_restarts'));
  for (const [where, text] of Object.entries(seen))
    for (const [name, secret] of Object.entries(SECRETS))
      t.false(
        text.includes(secret),
        `${name} in ${where}: ${text.slice(Math.max(0, text.indexOf(secret) - 200), text.indexOf(secret) + 40)}`,
      );
});
