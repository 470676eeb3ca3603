import { dirname, resolve } from 'node:path';
import { ACTION_SPECS } from '../model/actions.js';
import type { CatalogueSourceConfig } from './catalogue.js';
import type { EventsConfig } from './events.js';
import type { FleetConfig } from './fleet.js';
import type { GuestsConfig } from './guests.js';
import type { QuotaConfig } from './quota.js';
import type { SchedulesConfig } from './schedules.js';
import type { ActionConfig, ConfigFile, ServiceConfig } from './schema.js';
import type { ServerConfig } from './server.js';

/** The merged content of config files, before defaults and checks. */
export interface Draft {
  actions: Map<string, ActionConfig>;
  services: Map<string, ServiceConfig>;
  server: ServerConfig;
  events: EventsConfig;
  /** Addresses and networks off the Internet that image sources and webhooks may reach. */
  privateAddresses: string[];
  guests: GuestsConfig;
  quota: QuotaConfig;
  schedules: SchedulesConfig;
  catalogue: {
    /** By name, in order. */
    sources: Map<string, CatalogueSourceConfig>;
    max_age?: number;
  };
  fleet: FleetConfig;
  dbpath?: string;
}

/** The value that a config file gives to one key. */
export interface Definition {
  file: string;
  value: unknown;
  /** The files whose definition of the key this one replaces, because `file` extends them. */
  replaces: ReadonlySet<string>;
  /** Writes the value to the config. */
  apply(draft: Draft): void;
}

/** Definitions by key, such as `services.storage`. */
export type Layer = Map<string, Definition>;

/** Makes the path of a list absolute. */
const placeList = (file: string, { list, ...others }: CatalogueSourceConfig): CatalogueSourceConfig => {
  if (list === undefined) return others;
  return { list: /^https?:/.test(list) ? list : resolve(dirname(file), list) };
};

/** Lists the definitions of a file. Each key of `server`, `events`, `guests`, `quota`, `schedules` and `fleet` is one. */
export const layerOf = (file: string, content: ConfigFile): Layer => {
  const layer: Layer = new Map();
  const define = (key: string, value: unknown, apply: Definition['apply']): void => {
    layer.set(key, { file, value, replaces: new Set(), apply });
  };
  for (const [name, service] of Object.entries(content.services))
    define(`services.${name}`, service, ({ services }) => services.set(name, service));
  for (const [name, action] of Object.entries(content.actions))
    define(`actions.${name}`, action, ({ actions }) => actions.set(name, action));
  for (const part of ['server', 'events', 'guests', 'quota', 'schedules', 'fleet'] as const) {
    for (const [key, value] of Object.entries(content[part] ?? {}))
      define(`${part}.${key}`, value, (draft) => Object.assign(draft[part], { [key]: value }));
  }
  const { dbpath, private_addresses: privateAddresses, catalogue = {} } = content;
  for (const [name, source] of Object.entries(catalogue.sources ?? {}))
    define(`catalogue.sources.${name}`, source, ({ catalogue: { sources } }) => {
      if (source) sources.set(name, placeList(file, source));
    });
  const { max_age } = catalogue;
  if (max_age !== undefined)
    define('catalogue.max_age', max_age, (draft) => Object.assign(draft.catalogue, { max_age }));
  if (privateAddresses !== undefined)
    define('private_addresses', privateAddresses, (draft) => Object.assign(draft, { privateAddresses }));
  if (dbpath !== undefined) define('dbpath', dbpath, (draft) => Object.assign(draft, { dbpath }));
  return layer;
};

/** Lists the actions of a file that do not exist. */
export const unknownActions = ({ actions }: ConfigFile): string[] =>
  Object.keys(actions).filter((name) => !ACTION_SPECS.has(name));

/** Reports a key that two files define when neither file extends the other. */
type OnConflict = (key: string, file: string, earlier: string) => void;

/** Merges layers. When two files define a key, the file that extends the other wins. */
export const addLayers = (layers: readonly Layer[], onConflict: OnConflict): Layer => {
  const sum: Layer = new Map();
  for (const [key, later] of layers.flatMap((layer) => [...layer])) {
    const earlier = sum.get(key);
    if (earlier === undefined || later.replaces.has(earlier.file)) sum.set(key, later);
    else if (earlier.value !== later.value && !earlier.replaces.has(later.file))
      onConflict(key, later.file, earlier.file);
  }
  return sum;
};

/** Puts a file's own definitions on top of those of the files that it extends. */
export const extendLayers = (bases: readonly Layer[], own: Layer, onConflict: OnConflict): Layer => {
  const extended = addLayers(bases, (key, file, earlier) => {
    if (!own.has(key)) onConflict(key, file, earlier);
  });
  for (const [key, definition] of own) {
    const replaced = bases.flatMap((base) => base.get(key) ?? []);
    const replaces = new Set(replaced.flatMap(({ file, replaces }) => [file, ...replaces]));
    extended.set(key, { ...definition, replaces });
  }
  return extended;
};
