import { resolve } from 'node:path';
import type { ContainerMount } from '../../model/container/mounts.js';
import { type Fields, fieldsOf, flagOf, megabytesOf, requireNoOthers, textOf, WrongValue } from './values.js';

/** What a service's mounts refer to. */
export interface MountContext {
  /** The directory of the pod file. */
  dir: string;
  /** The names on the host of the volumes that the file names. */
  volumes: ReadonlyMap<string, string>;
}

const MODES: Readonly<Record<string, boolean>> = { rw: false, ro: true };

const isPath = (source: string): boolean => /^(\/|\.{1,2}(\/|$)|~)/.test(source);

const mountOf = (
  { dir, volumes }: MountContext,
  { source, target, readOnly }: { source: string; target: string; readOnly: boolean },
): ContainerMount => {
  const common = { target, ...(readOnly ? { readOnly } : {}) };
  if (source.startsWith('~')) throw new WrongValue('write the directory instead of ~');
  if (isPath(source)) return { type: 'bind', source: resolve(dir, source), ...common };
  const volume = volumes.get(source);
  if (volume === undefined)
    throw new WrongValue(`name the volume ${source} under the key volumes of the file`);
  return { type: 'volume', source: volume, ...common };
};

const shortMount = (text: string, context: MountContext): ContainerMount => {
  const [source = '', target, mode = 'rw', ...rest] = text.split(':');
  if (target === undefined) throw new WrongValue('give the volume a name: NAME:/path');
  const readOnly = MODES[mode];
  if (readOnly === undefined || rest.length > 0)
    throw new WrongValue(`"${[mode, ...rest].join(':')}" is not supported: ro and rw are`);
  return mountOf(context, { source, target, readOnly });
};

const tmpfsFields = ({ size, mode, ...others }: Fields): { size?: number; mode?: string } => {
  requireNoOthers(others, (key) => `tmpfs.${key}`);
  // What 0700 is depends on the version of YAML.
  if (mode !== undefined && typeof mode !== 'string')
    throw new WrongValue('write the mode in quotes: "0700"');
  return {
    ...(size === undefined ? {} : { size: megabytesOf(size) }),
    ...(mode === undefined ? {} : { mode }),
  };
};

const longMount = (
  { type, source, target, read_only: readOnly = false, tmpfs = {}, ...others }: Fields,
  context: MountContext,
): ContainerMount => {
  requireNoOthers(others);
  if (type === 'tmpfs') return { type, target: textOf(target), ...tmpfsFields(fieldsOf(tmpfs)) };
  if (type !== 'volume' && type !== 'bind') throw new WrongValue('the type is volume, bind or tmpfs');
  const path = textOf(source);
  if (isPath(path) !== (type === 'bind')) throw new WrongValue(`${path} does not fit the type ${type}`);
  return mountOf(context, { source: path, target: textOf(target), readOnly: flagOf(readOnly) });
};

/** Reads an item of `volumes`. */
export const readMount = (value: unknown, context: MountContext): ContainerMount =>
  typeof value === 'string' ? shortMount(value, context) : longMount(fieldsOf(value), context);

/** Reads an item of `tmpfs`: `/run` or `/run:size=64m,mode=1777`. */
export const readTmpfs = (value: unknown): ContainerMount => {
  const [target = '', options = ''] = textOf(value).split(':');
  const pairs = options.split(',').filter(Boolean);
  return {
    type: 'tmpfs',
    target,
    ...tmpfsFields(Object.fromEntries(pairs.map((pair) => pair.split('=', 2)))),
  };
};
