import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Config, ConfigError, loadConfig } from '../../lib/config/load.js';
import { tempDir } from './temp.js';

/** A service and a stage that uses it, which together make a valid config. */
export const STORAGE = { port: 19999 };
export const STAGE = { service: 'storage', method: 'ImageStore.CreateGuestDisks' };

/** Writes config files by name, a string as it is and anything else as JSON, and returns their directory. */
export const writeConfigs = async (t: ExecutionContext, files: Record<string, unknown>): Promise<string> => {
  const dir = await tempDir(t);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
};

/** Loads a config of a single file. */
export const loadContent = async (t: ExecutionContext, content: unknown): Promise<Config> =>
  loadConfig([join(await writeConfigs(t, { 'a.json': content }), 'a.json')]);

/** The problems for which files are rejected, without the name of their directory. `paths` are within that directory. */
export const problemsOf = async (
  t: ExecutionContext,
  files: Record<string, unknown>,
  paths: readonly string[] = ['.'],
): Promise<string[]> => {
  const dir = await writeConfigs(t, files);
  const error = await t.throwsAsync(loadConfig(paths.map((path) => join(dir, path))), {
    instanceOf: ConfigError,
  });
  return error ? error.problems.map((problem) => problem.replaceAll(`${dir}/`, '')) : [];
};
