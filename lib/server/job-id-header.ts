/** Carries the id of an action's pipeline run, which for a queued action is its job's ID. */
export const JOB_ID_HEADER = 'X-Guest-Job-ID';
