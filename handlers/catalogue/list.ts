import type { Context } from '../../lib/agent/context.js';
import type { CatalogueListing, CatalogueQuery } from '../../lib/model/catalogue.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';

/** Lists the images that can be fetched by name, and how old the lists of their sources are. */
export const listCatalogue = async (
  { query }: Event<unknown, CatalogueQuery>,
  { catalogue }: Context,
): Promise<Reply<CatalogueListing>> => ({ status: 200, body: await catalogue.list(query) });
