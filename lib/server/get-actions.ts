import { forbidden, methodNotAllowed } from '@hapi/boom';
import type { Request } from '@hapi/hapi';
import { changesSomething, type Route } from './route.js';

/** Whether a GET on the route performs an action, as in the original agent. */
export const actsOnGet = (route: Route): boolean => route.method === 'GET' && changesSomething(route);

/** Headers of a browser or link checker that loads a page before anyone asks for it. */
const PREFETCH_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'] as const;

/** The purposes that those headers name. */
const PREFETCH_PURPOSES = /\b(prefetch|prerender|preview)\b/i;

/** Describes a GET that no program or person decided to send; `undefined` for any other. */
const unintended = ({ headers }: Request): string | undefined => {
  if (PREFETCH_HEADERS.some((name) => PREFETCH_PURPOSES.test(String(headers[name] ?? ''))))
    return 'a prefetch';
  const origin = headers.origin as string | undefined;
  if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== headers.host)
    return 'a page of another site';
  // https://www.w3.org/TR/fetch-metadata/: programs other than browsers send none of these.
  const {
    'sec-fetch-site': site = 'same-origin',
    'sec-fetch-mode': mode = 'cors',
    'sec-fetch-dest': dest = 'empty',
  } = headers;
  if (mode === 'navigate') return 'a link, a bookmark or the address bar';
  if (site !== 'same-origin') return 'a page of another site';
  return dest === 'empty' ? undefined : "a page's markup";
};

/** @throws {Boom} 403 when a GET on an action was not sent on purpose, 405 when the config disables such requests */
export const rejectUnintendedAction = (request: Request, isOpen: boolean): void => {
  const { path } = request;
  if (!isOpen)
    throw methodNotAllowed(
      `${path} does not support GET (server.get_actions is false): use POST`,
      undefined,
      ['POST'],
    );
  const cause = unintended(request);
  if (cause !== undefined)
    throw forbidden(`GET ${path} would act, and ${cause} must not: send POST, or use the agent's console`);
};
