import test from 'ava';
import { loadContent, problemsOf, STAGE, STORAGE } from '../../helpers/config-files.js';

test('rejects a stage of an unknown service, naming the file of the action', async (t) => {
  const actions = { create: { stages: [STAGE, { ...STAGE, service: 'dns' }] } };
  const files = { 'a.json': { services: { storage: STORAGE } }, 'b.json': { actions } };
  t.deepEqual(await problemsOf(t, files), [
    'b.json: actions.create.stages[1].service: there is no service dns',
  ]);
});

test('rejects a service without an address, and one with two', async (t) => {
  const services = { none: { socket: '' }, both: { port: 1, socket: 's' } };
  t.deepEqual(await problemsOf(t, { 'a.json': { services } }), [
    'a.json: services.none: give either a port (TCP on loopback) or a socket (the path of a unix socket)',
    'a.json: services.both: has both a port and a socket: remove one of them',
  ]);
});

test('rejects a socket path that is too long, and says what to do', async (t) => {
  const dbpath = `/${'d'.repeat(90)}`;
  const services = { fits: { socket: 'xy' }, long: { socket: 'xyz' } };
  t.deepEqual(await problemsOf(t, { 'a.json': { services, dbpath } }), [
    `a.json: services.long.socket: ${dbpath}/run/services/xyz is too long for a unix socket (108 bytes, at most 107): choose a shorter dbpath, or a shorter absolute path for the socket`,
  ]);
});

test('accepts a secret file for a service that the agent does not start', async (t) => {
  const { services } = await loadContent(t, { services: { a: { port: 1, secret_file: '/s' } } });
  t.like(services.get('a'), { secret_file: '/s' });
});

test('rejects a secret file for a service that has a command', async (t) => {
  const services = { a: { port: 1, secret_file: '/s', command: ['true'] } };
  t.deepEqual(await problemsOf(t, { 'a.json': { services } }), [
    'a.json: services.a: the agent makes the secret of a service that has a command: remove secret_file',
  ]);
});

test('rejects a second secret file for one address', async (t) => {
  const services = {
    a: { port: 1, secret_file: '/s' },
    b: { port: 1, secret_file: '/t' },
    c: { port: 1 },
    d: { port: 2, secret_file: '/t' },
  };
  t.deepEqual(await problemsOf(t, { 'a.json': { services } }), [
    'a.json: services.b.secret_file: port 1 already has the secret file /s',
  ]);
});

test('rejects a second command for one address', async (t) => {
  const services = {
    a: { port: 1, command: ['true'] },
    b: { port: 1 },
    c: { port: 1, command: ['true'] },
    d: { port: 2, command: ['true'] },
  };
  t.deepEqual(await problemsOf(t, { 'a.json': { services } }), [
    'a.json: services.c.command: services.a already has a command for port 1',
  ]);
});

test('rejects a command whose program does not exist', async (t) => {
  const services = {
    a: { port: 1, command: ['no-such-program', '-v'] },
    b: { port: 2, command: ['/no/such/program'] },
    c: { port: 3, command: ['mistify-storage'] },
    d: { port: 4, command: [process.execPath] },
  };
  t.deepEqual(await problemsOf(t, { 'a.json': { services } }), [
    'a.json: services.a.command: no program no-such-program on the PATH',
    'a.json: services.b.command: /no/such/program is not an executable file',
  ]);
});

test("lets only the product's own services on sockets share a process", async (t) => {
  const shared = { command: ['mistify-storage'], process: 'one' };
  const foreign = { a: { socket: 'a', ...shared }, b: { socket: 'b', ...shared, command: ['true'] } };
  t.deepEqual(await problemsOf(t, { 'a.json': { services: foreign } }), [
    'a.json: services.b.process: true cannot share a process, only mistify-storage, mistify-qemu, mistify-container, mistify-backup can: remove process',
  ]);
  const onPort = await problemsOf(t, { 'a.json': { services: { a: { port: 1, ...shared } } } });
  t.regex(onPort.join(), /services\.a: process needs a socket: only services that the agent starts/);
});

test('rejects a webhook without a URL and one secret, and a URL that occurs twice', async (t) => {
  const url = 'http://127.0.0.1:9/';
  const secret = 'of 16 characters or more';
  const problems = async (webhooks: unknown[]): Promise<string> =>
    (await problemsOf(t, { 'a.json': { events: { webhooks } } })).join();
  t.regex(await problems([{ url }]), /events\.webhooks\[0\]: give a secret_file/);
  t.regex(await problems([{ url, secret, secret_file: '/x' }]), /has both a secret and a secret_file/);
  t.regex(await problems([{ url: 'ftp://a/', secret }]), /events\.webhooks\[0\]\.url/);
  t.regex(await problems([{ url, secret: 'short' }]), /events\.webhooks\[0\]\.secret/);
  t.regex(await problems([{ url, secret, kinds: ['gust'] }]), /events\.webhooks\[0\]\.kinds\[0\]/);
  t.regex(await problems([1, 2].map(() => ({ url, secret }))), /events\.webhooks\[1\].*duplicate/);
});
