import type { ContainerMount } from '../model/container/mounts.js';
import { invalidValue } from './failure.js';
import { parseMb } from './option-values.js';

/** The settings of a mount by the words for them; those of Docker and Podman too. */
const SETTINGS: Readonly<Record<string, string>> = {
  ...{ type: 'type', source: 'source', src: 'source', target: 'target', dst: 'target' },
  ...{ readonly: 'readOnly', ro: 'readOnly', size: 'size', mode: 'mode' },
};

const FLAGS: Readonly<Record<string, boolean>> = { '': true, true: true, false: false };

const readSetting = (setting: string, text: string): unknown => {
  if (setting === 'size') return parseMb(text);
  if (setting !== 'readOnly') return text;
  const flag = FLAGS[text];
  if (flag === undefined) throw invalidValue(`"${text}" is neither true nor false`);
  return flag;
};

/**
 * Parses a mount and adds it to the earlier ones: `type=volume,source=shop-data,target=/data,readonly`. The agent checks
 * which settings fit.
 */
export const addMount = (text: string, earlier: ContainerMount[] = []): ContainerMount[] => {
  const mount: Record<string, unknown> = { type: 'volume' };
  for (const part of text.split(',')) {
    const [word = '', ...rest] = part.split('=');
    const setting = Object.hasOwn(SETTINGS, word) ? SETTINGS[word] : undefined;
    if (setting === undefined)
      throw invalidValue(
        `"${word}" is not a setting: choose from type=, source=, target=, readonly, size=, mode=`,
      );
    mount[setting] = readSetting(setting, rest.join('='));
  }
  if (mount.target === undefined) throw invalidValue('say where the container sees it: target=/data');
  return [...earlier, mount as unknown as ContainerMount];
};
