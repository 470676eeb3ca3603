import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../../lib/files/package-root.js';
import { partsOf } from '../../../../scripts/test-on/parts.js';

test('runs every folder of system tests by default', async (t) => {
  const commands = partsOf([]).map(({ command }) => command.join(' '));
  const entries = await readdir(join(packageRoot, 'test/system'), { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isDirectory()))
    t.true(
      commands.some((command) => command.includes(`dist/test/system/${name}/`)),
      `no part of scripts/test-on/parts.ts runs test/system/${name}`,
    );
});

test('runs a single test by its path', (t) => {
  const [part] = partsOf(['test/system/qemu/reboot.test.ts']);
  t.deepEqual(part?.command.slice(-1), ['dist/test/system/qemu/reboot.test.js']);
});

test('prepares for a single test what its part needs', (t) => {
  const [part, agent] = partsOf(['test/system/agent/mounted-cd.test.ts', 'agent']);
  t.true((agent?.prepare ?? []).length > 0);
  t.like(part, { prepare: agent?.prepare, packages: agent?.packages });
});

test('rejects an unknown part with the names of all', (t) => {
  t.throws(() => partsOf(['kvm']), { message: /^"kvm" is neither demo, qemu, .* nor the path of a test$/ });
});

test('runs the tests of containers on Podman and on Docker', (t) => {
  const [podman, docker] = partsOf(['container', 'docker']);
  t.deepEqual(docker?.command, podman?.command);
  t.is(podman?.env?.MISTIFY_TEST_ENGINE, undefined);
  t.is(docker?.env?.MISTIFY_TEST_ENGINE, 'docker');
});
