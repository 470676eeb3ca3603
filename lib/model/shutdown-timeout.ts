/** The bounds of the time that a guest gets to shut down, in seconds: less is no time, more is a mistake. */
export const MIN_SHUTDOWN_S = 1;
export const MAX_SHUTDOWN_S = 3600;
