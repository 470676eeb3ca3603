/** Names the keys that a PATCH changed and that reach the guest at its next start. */
export const NEXT_START_HEADER = 'X-Next-Start';

export const formatNextStart = (keys: readonly string[]): string => keys.join(', ');

export const parseNextStart = (header: string): string[] => (header === '' ? [] : header.split(', '));
