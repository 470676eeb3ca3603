/** How often an idle event stream sends an empty object, in milliseconds, to show that the sub-agent is alive. */
export const HEARTBEAT_MS = 5000;
