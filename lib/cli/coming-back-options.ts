import {
  AUTOSTART_POLICIES,
  type Autostart,
  HOST_DOWN_POLICIES,
  RESTART_POLICIES,
  type Restart,
} from '../model/coming-back.js';
import { invalidValue } from './failure.js';

/** Reads the value of a setting into the field that it sets. */
type Read<Fields> = (value: string, key: string) => Partial<Fields>;

const oneOf = <Value extends string>(values: readonly Value[], text: string, hint: string): Value => {
  const found = values.find((value) => value === text);
  if (found === undefined) throw invalidValue(`${hint}: ${values.join(', ')}`);
  return found;
};

const numberOf = (value: string, key: string): number => {
  if (!/^\d+(\.\d+)?$/.test(value)) throw invalidValue(`${key}: give a number`);
  return Number(value);
};

/** Reads `POLICY,KEY=VALUE,…`. */
const parse = <Policy extends string, Fields>(
  text: string,
  policies: readonly Policy[],
  settings: Readonly<Record<string, Read<Fields>>>,
): { policy: Policy } & Partial<Fields> => {
  const [first = '', ...others] = text.split(',');
  const policy = oneOf(policies, first, 'begin with a policy');
  const fields = others.map((setting) => {
    const [key = '', value = ''] = setting.split('=', 2);
    const read = settings[key];
    if (read === undefined)
      throw invalidValue(`"${key}" is not a setting: choose from ${Object.keys(settings).join('=, ')}=`);
    return read(value, key);
  });
  return Object.assign({ policy }, ...fields) as { policy: Policy } & Partial<Fields>;
};

/**
 * Parses when a guest starts after a boot of the host, and what becomes of it before: `last,order=10,host-down=save`. The
 * agent checks the numbers.
 */
export const parseAutostart = (text: string): Autostart =>
  parse<Autostart['policy'], Omit<Autostart, 'policy'>>(text, AUTOSTART_POLICIES, {
    order: (value, key) => ({ order: numberOf(value, key) }),
    delay: (value, key) => ({ delay: numberOf(value, key) }),
    'shutdown-timeout': (value, key) => ({ shutdownTimeout: numberOf(value, key) }),
    'host-down': (value, key) => ({ hostDown: oneOf(HOST_DOWN_POLICIES, value, `${key}: choose from`) }),
  });

/** Parses whether a guest starts again after a failure: `on-failure,retries=5,window=600`. The agent checks the numbers. */
export const parseRestart = (text: string): Restart =>
  parse<Restart['policy'], Omit<Restart, 'policy'>>(text, RESTART_POLICIES, {
    retries: (value, key) => ({ maxRetries: numberOf(value, key) }),
    window: (value, key) => ({ window: numberOf(value, key) }),
  });
