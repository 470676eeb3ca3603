/** The error for a missing image; the agent reports messages that end in "no such image" as 404. */
export const noSuchImage = (id: string): Error => new Error(`image ${id}: no such image`);

/** The error for anything else that is missing; the agent reports messages that end in "not found" as 404. */
export const notFound = (what: string): Error => new Error(`${what}: not found`);
