import type { Principal } from '../model/principal.js';
import type { Verb } from '../model/rights.js';

/** The state that this server keeps on hapi's own objects. */
declare module '@hapi/hapi' {
  interface ServerApplicationState {
    /** Every client's principal, where clients need no credentials. */
    everyone?: Principal;
  }

  interface AuthCredentials<AuthUser, AuthApp> {
    principal?: Principal;
    /** Absent where the credentials cannot become invalid while a connection lasts. */
    isStillValid?: () => Promise<boolean>;
  }

  interface RouteOptionsApp {
    /** The right that clients of the route need. */
    can?: Verb | 'public';
    /** Whether all requests to the route go into the audit log. */
    isAudited?: boolean;
    operationId?: string;
    /** Whether its body may have any length. */
    isUpload?: boolean;
  }

  interface ResponseObject {
    /** Whether to copy the status and headers of a streamed source; the method is missing from hapi's types. */
    passThrough(isEnabled: boolean): ResponseObject;
  }

  interface RequestApplicationState {
    /** The id of the guest that the reply concerns. */
    guest?: string;
    /** Whether the client still has the right for the guest of a connection that lasts; always when absent. */
    mayStill?: () => boolean;
    /** Whether the number of invalid tokens of its address alone rejected it. */
    hasTooManyFailures?: boolean;
  }
}
