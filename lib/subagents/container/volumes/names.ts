const PREFIX = 'mistify-';

/** Returns the engine's name of a volume: volumes of the host that have nothing to do with guests may have the same. */
export const engineVolume = (name: string): string => PREFIX + name;

/** Returns the agent's name of a volume of the engine. */
export const volumeName = (engineName: string): string =>
  engineName.startsWith(PREFIX) ? engineName.slice(PREFIX.length) : engineName;
