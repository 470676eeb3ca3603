import type { ContainerHealth } from '../../model/container/health.js';
import { fieldsOf, flagOf, numberOf, secondsOf, textsOf, WrongValue } from './values.js';

type Health = NonNullable<ContainerHealth['health']>;

const shell = (line: string): string[] => ['/bin/sh', '-c', line];

const commandOf = (test: unknown): string[] => {
  if (typeof test === 'string') return shell(test);
  const [kind, ...words] = textsOf(test);
  if (kind === 'NONE') return [];
  if (kind === 'CMD') return words;
  if (kind === 'CMD-SHELL') return shell(words.join(' '));
  throw new WrongValue('test is a line, or a list that begins with CMD, CMD-SHELL or NONE');
};

const READERS: Readonly<Record<string, (value: unknown) => Partial<Health>>> = {
  test: (value) => ({ command: commandOf(value) }),
  disable: (value) => (flagOf(value) ? { command: [] } : {}),
  interval: (value) => ({ interval: secondsOf(value) }),
  timeout: (value) => ({ timeout: secondsOf(value) }),
  retries: (value) => ({ retries: numberOf(value) }),
  start_period: (value) => ({ startPeriod: secondsOf(value) }),
};

/** Reads `healthcheck`. */
export const readHealth = (value: unknown): ContainerHealth => {
  const parts = Object.entries(fieldsOf(value)).map(([key, given]) => {
    const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
    if (!read) throw new WrongValue(`${key} is not supported`);
    return read(given);
  });
  const health = Object.assign({}, ...parts) as Partial<Health>;
  if (health.command === undefined)
    throw new WrongValue('give its test: the agent does not change that of an image');
  return { health: { ...health, command: health.command } };
};
