import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { NotPrepared } from './system.js';

/** Settings of apt that describe the way to a mirror, not what to do on this host. */
const TRANSPORT = /^Acquire::(?:https?|ftp|ForceIPv[46]|Check-|Languages|GzipIndexes)/i;

/** Downloads that fail are tried again this often. */
const RETRIES = 5;

/** The variables by which programs find a proxy. */
const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** npm's settings that describe the way to its registry. */
const NPM_SETTINGS = ['registry', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'];

/**
 * Finds the Debian mirror that this host's apt uses.
 * @throws {NotPrepared} if this host uses none, such as an Ubuntu
 */
export const debianMirror = async (): Promise<string> => {
  const format = '$(REPO_URI) $(ORIGIN) $(LABEL)';
  const args = ['indextargets', '--format', format, 'Created-By: Packages'];
  const { stdout } = await execa('apt-get', args, { reject: false });
  const lines = stdout.split('\n').map((line) => line.split(' '));
  const [uri] = lines.find(([, origin, label]) => origin === 'Debian' && label === 'Debian') ?? [];
  if (uri === undefined)
    throw new NotPrepared('the apt sources of this host name no mirror of Debian: give one with --mirror');
  return uri;
};

/** Returns a file of settings for apt that takes the same way to a mirror as this host, and tries downloads again. */
export const aptSettings = async (): Promise<string> => {
  const { stdout } = await execa('apt-config', ['dump']);
  const lines = stdout.split('\n').filter((line) => TRANSPORT.test(line));
  return `${[...lines, `Acquire::Retries "${RETRIES}";`].join('\n')}\n`;
};

const npmSetting = async (key: string): Promise<string | undefined> => {
  const { stdout } = await execa('npm', ['config', 'get', key], { reject: false });
  return ['', 'null', 'undefined'].includes(stdout.trim()) ? undefined : stdout.trim();
};

/** Returns the variables by which npm in another root takes the same way to its registry as on this host. */
export const npmVariables = async (): Promise<Record<string, string>> => {
  const variables: Record<string, string> = { npm_config_fetch_retries: `${RETRIES}` };
  for (const key of NPM_SETTINGS) {
    const value = await npmSetting(key);
    if (value !== undefined) variables[`npm_config_${key.replaceAll('-', '_')}`] = value;
  }
  for (const name of PROXY_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined) variables[name] = value;
  }
  return variables;
};

/** Returns the certificates that this host trusts beside those of Node and its own system, if it has any. */
export const extraCertificates = async (): Promise<string | undefined> => {
  const path = process.env.NODE_EXTRA_CA_CERTS ?? (await npmSetting('cafile'));
  return path !== undefined && existsSync(path) ? readFile(path, 'utf8') : undefined;
};
