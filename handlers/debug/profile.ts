import type { Context } from '../../lib/agent/context.js';
import { profileNotFound } from '../../lib/errors.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { isProfileName, PROFILES, takeProfile } from '../../lib/process/profiler.js';

export interface ProfileParams {
  profile: string;
}

export interface ProfileQuery {
  seconds?: number;
}

/** Profiles the agent, in the format of `go tool pprof`. */
export const getProfile = async (
  { params, query, signal }: Event<ProfileParams, ProfileQuery>,
  _context: Context,
): Promise<Reply<Buffer>> => {
  const { profile } = params;
  if (!isProfileName(profile)) throw profileNotFound(profile, Object.keys(PROFILES));
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': `attachment; filename="${profile}.pb.gz"`,
    },
    body: await takeProfile(profile, signal, query.seconds),
  };
};
