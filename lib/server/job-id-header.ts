/** Names the pipeline of an action, which for an async action is its job. */
export const JOB_ID_HEADER = 'X-Guest-Job-ID';
