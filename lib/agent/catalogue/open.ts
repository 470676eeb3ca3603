import { join } from 'node:path';
import type { Config } from '../../config/load.js';
import { createGuard } from '../../http/guard.js';
import { Reachable } from '../../http/reachable.js';
import type { Logger } from '../../log.js';
import { Catalogue } from './catalogue.js';
import { jsonReader } from './download.js';

/** Makes the catalogue of a config. It reads its sources once someone asks. */
export const openCatalogue = ({ catalogue, dbpath, privateAddresses }: Config, log: Logger): Catalogue => {
  const { sources, max_age: maxAge } = catalogue;
  const urls = [...sources.values()].flatMap(({ simplestreams, list }) => simplestreams ?? list ?? []);
  // The config names these servers, so they may have any address; their redirects may not.
  const trusted = urls.filter((url) => /^https?:/.test(url));
  const readJson = jsonReader(createGuard({ reachable: new Reachable(privateAddresses), trusted }));
  return new Catalogue({ sources, maxAge, directory: join(dbpath, 'catalogue'), readJson, log });
};
