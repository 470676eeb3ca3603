import {
  AUTOSTART_POLICIES,
  type Autostart,
  HOST_DOWN_POLICIES,
  RESTART_POLICIES,
  type Restart,
} from '../model/coming-back.js';
import type { ComingBackPatch } from '../model/coming-back-patch.js';
import { invalidValue } from './failure.js';
import { DEFAULT } from './or-default.js';

type Changed<Key extends keyof ComingBackPatch> = NonNullable<ComingBackPatch[Key]>;

/** The field that a setting sets, and how to read its value. */
type Setting = readonly [field: string, read: (value: string, key: string) => string | number];

const oneOf = <Value extends string>(values: readonly Value[], text: string, hint: string): Value => {
  const found = values.find((value) => value === text);
  if (found === undefined) throw invalidValue(`${hint}: ${values.join(', ')}`);
  return found;
};

const numberOf = (value: string, key: string): number => {
  if (!/^\d+(\.\d+)?$/.test(value)) throw invalidValue(`${key}: give a number`);
  return Number(value);
};

const SETTINGS: { [Key in keyof ComingBackPatch]-?: Readonly<Record<string, Setting>> } = {
  autostart: {
    order: ['order', numberOf],
    delay: ['delay', numberOf],
    'shutdown-timeout': ['shutdownTimeout', numberOf],
    'host-down': ['hostDown', (value, key) => oneOf(HOST_DOWN_POLICIES, value, `${key}: choose from`)],
  },
  restart: { retries: ['maxRetries', numberOf], window: ['window', numberOf] },
};

/** Reads `POLICY,KEY=VALUE,…`. */
const parse = <Policies extends { policy: string }>(
  text: string,
  policies: readonly Policies['policy'][],
  settings: Readonly<Record<string, Setting>>,
  isChange = false,
): Policies => {
  const [first = '', ...others] = text.split(',');
  const policy = oneOf(policies, first, 'begin with a policy');
  const fields = others.map((setting) => {
    const [key = '', value = ''] = setting.split('=', 2);
    const [field, read] = settings[key] ?? [];
    if (field === undefined || read === undefined)
      throw invalidValue(`"${key}" is not a setting: choose from ${Object.keys(settings).join('=, ')}=`);
    return { [field]: isChange && value === DEFAULT ? null : read(value, key) };
  });
  return Object.assign({ policy }, ...fields) as Policies;
};

/**
 * Parses when a guest starts after a boot of the host, and what becomes of it before: `last,order=10,host-down=save`. The
 * agent checks the numbers.
 */
export const parseAutostart = (text: string): Autostart =>
  parse<Autostart>(text, AUTOSTART_POLICIES, SETTINGS.autostart);

/** Parses whether a guest starts again after a failure: `on-failure,retries=5,window=600`. The agent checks the numbers. */
export const parseRestart = (text: string): Restart =>
  parse<Restart>(text, RESTART_POLICIES, SETTINGS.restart);

/** Parses a change of it, in which a setting can be `default`: `last,order=default`. */
export const parseAutostartChange = (text: string): Changed<'autostart'> =>
  parse<Changed<'autostart'> & Pick<Autostart, 'policy'>>(text, AUTOSTART_POLICIES, SETTINGS.autostart, true);

/** Parses a change of it, in which a setting can be `default`: `on-failure,retries=default`. */
export const parseRestartChange = (text: string): Changed<'restart'> =>
  parse<Changed<'restart'> & Pick<Restart, 'policy'>>(text, RESTART_POLICIES, SETTINGS.restart, true);
