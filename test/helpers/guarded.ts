import type { ExecutionContext } from 'ava';
import { changeTokens } from '../../lib/auth/token-file.js';
import { TokenRegistry } from '../../lib/auth/token-registry.js';
import { newToken, withToken } from '../../lib/auth/tokens.js';
import { type Grant, grantsOfScope, type Scope } from '../../lib/model/rights.js';
import type { TestAgentOptions } from './agent.js';
import { type Api, serveApi } from './api.js';
import { silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';

/** Serves an API that requires tokens. */
export const serveGuarded = async (
  t: ExecutionContext,
  options: TestAgentOptions = {},
): Promise<{ api: Api; dbpath: string }> => {
  const dbpath = await tempDir(t);
  const tokens = new TokenRegistry(dbpath, silentLog);
  const api = await serveApi(t, { ...options, dbpath }, undefined, {
    access: { tokens, certificates: undefined },
  });
  return { api, dbpath };
};

export const makeToken = async (
  dbpath: string,
  name: string,
  rights: Scope | Grant[],
  lifetimeMs?: number,
): Promise<string> => {
  const { token, stored } = newToken(
    name,
    typeof rights === 'string' ? grantsOfScope(rights) : rights,
    lifetimeMs,
  );
  await changeTokens(dbpath, (tokens) => withToken(tokens, stored));
  return token;
};
