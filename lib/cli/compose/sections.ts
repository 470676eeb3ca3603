import type { Mistakes, PodVolume } from './pod.js';
import { type Fields, flagOf, isFields, pairsOf, textOf, WrongValue } from './values.js';

/** Lists the entries of a key of the file. */
export const sectionOf = (content: Fields, key: string, mistakes: Mistakes): [string, Fields][] => {
  const section = content[key] ?? {};
  if (!isFields(section)) {
    mistakes.add(key, 'give keys with values');
    return [];
  }
  return Object.entries(section).flatMap(([name, value]): [string, Fields][] => {
    if (value === null || isFields(value)) return [[name, value ?? {}]];
    mistakes.add(`${key}.${name}`, 'give keys with values');
    return [];
  });
};

const refuseOthers = (fields: Fields, known: readonly string[], at: string, mistakes: Mistakes): void => {
  for (const key of Object.keys(fields))
    if (!known.includes(key) && !key.startsWith('x-')) mistakes.add(`${at}.${key}`, 'not supported');
};

const readVolume = (
  key: string,
  { name, external = false, labels, driver = 'local' }: Fields,
  project: string,
): PodVolume => {
  if (driver !== 'local') throw new WrongValue('no driver but local is supported');
  const isExternal = flagOf(external);
  return {
    name: name === undefined ? (isExternal ? key : `${project}_${key}`) : textOf(name),
    external: isExternal,
    ...(labels === undefined ? {} : { labels: pairsOf(labels) }),
  };
};

/** Reads the key `volumes`: those of the file itself have the name of the project before theirs. */
export const readVolumes = (content: Fields, project: string, mistakes: Mistakes): Map<string, PodVolume> => {
  const volumes = new Map<string, PodVolume>();
  for (const [key, fields] of sectionOf(content, 'volumes', mistakes)) {
    const at = `volumes.${key}`;
    refuseOthers(fields, ['name', 'external', 'labels', 'driver'], at, mistakes);
    try {
      volumes.set(key, readVolume(key, fields, project));
    } catch (error) {
      if (!(error instanceof WrongValue)) throw error;
      mistakes.add(at, error.message);
    }
  }
  return volumes;
};

/** Reads the key `networks`: the names on the host of networks that exist there. */
export const readNetworks = (content: Fields, mistakes: Mistakes): Map<string, string> => {
  const networks = new Map<string, string>();
  for (const [key, fields] of sectionOf(content, 'networks', mistakes)) {
    const at = `networks.${key}`;
    refuseOthers(fields, ['name', 'external'], at, mistakes);
    const { name = key, external } = fields;
    if (external !== true)
      mistakes.add(at, 'the agent makes no networks: make it with the engine, and say external: true');
    networks.set(key, typeof name === 'string' ? name : key);
  }
  return networks;
};
