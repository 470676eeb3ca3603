import test from 'ava';
import { engineSockets } from '../../../../lib/subagents/container/sockets.js';

test('prefers given sockets to DOCKER_HOST, and DOCKER_HOST to the defaults', (t) => {
  const env = { DOCKER_HOST: 'unix:///run/my.sock', XDG_RUNTIME_DIR: '/run/user/7' };
  t.deepEqual(engineSockets(['/a.sock', 'unix:///b.sock'], env), ['/a.sock', '/b.sock']);
  t.deepEqual(engineSockets([], env), ['/run/my.sock']);
  t.deepEqual(engineSockets([], { XDG_RUNTIME_DIR: '/run/user/7' }), [
    '/var/run/docker.sock',
    '/run/podman/podman.sock',
    '/run/user/7/podman/podman.sock',
  ]);
});

test('rejects an engine on another host', (t) => {
  t.throws(() => engineSockets([], { DOCKER_HOST: 'tcp://192.0.2.1:2375' }), {
    message: /^container engine tcp:\/\/192\.0\.2\.1:2375 is not a unix socket/,
  });
});
