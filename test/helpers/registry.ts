import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { Authority } from './authority.js';
import { newSubnet } from './engines/engine.js';
import { freePort } from './ports.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

export const REGISTRY_USER = 'mistify';
export const REGISTRY_PASSWORD = 'correct-horse-battery';
/** Of that password, with bcrypt, which alone the registry takes. */
const HASH = '$2y$05$abcdefghijklmnopqrstuuSnF5tLPqPFqc0z9CY0HcSLFbSRlL67u';

/** Where Docker and Podman look for the authorities of registries. */
const CERTS = '/etc/docker/certs.d';

export interface TestRegistry {
  /** Its name: an address and a port. */
  name: string;
  /** Has the engines of this host trust its authority. */
  trust: () => Promise<void>;
}

const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/**
 * Starts a registry with TLS by an authority of its own, which wants a password. It is not on loopback, where Docker asks for
 * no certificate.
 */
export const startRegistry = async (t: ExecutionContext): Promise<TestRegistry> => {
  const dir = await tempDir(t);
  const [device, host, port] = [`mr${randomBytes(4).toString('hex')}`, `${newSubnet()}.1`, await freePort()];
  await execa('ip', ['link', 'add', device, 'type', 'bridge']);
  t.teardown(() => execa('ip', ['link', 'delete', device]));
  await execa('ip', ['address', 'add', `${host}/32`, 'dev', device]);
  await execa('ip', ['link', 'set', device, 'up']);
  const authority = await Authority.make(t);
  const { cert, key } = await authority.sign('registry', host);
  await writeFile(join(dir, 'htpasswd'), `${REGISTRY_USER}:${HASH}\n`);
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(dir, 'data') } },
    http: { addr: `${host}:${port}`, tls: { certificate: cert, key } },
    auth: { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } },
  };
  // YAML, of which JSON is a part.
  await writeFile(join(dir, 'config.yml'), JSON.stringify(config));
  const registry = spawn('docker-registry', ['serve', join(dir, 'config.yml')], { stdio: 'ignore' });
  const exited = once(registry, 'exit');
  t.teardown(async () => {
    registry.kill();
    await exited;
  });
  await until('the registry listens', () => accepts(host, port));
  const name = `${host}:${port}`;
  const trust = async (): Promise<void> => {
    t.teardown(() => rm(join(CERTS, name), { recursive: true, force: true }));
    await mkdir(join(CERTS, name), { recursive: true });
    await copyFile(authority.cert, join(CERTS, name, 'ca.crt'));
  };
  return { name, trust };
};
