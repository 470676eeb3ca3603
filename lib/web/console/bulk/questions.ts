import { path } from '../../../client/path.js';
import type { Guest } from '../../../model/guest.js';
import { submit } from '../api.js';
import { field, formDialog } from '../dialogs.js';
import { listOf, textInput } from '../inputs.js';
import { count } from '../words.js';

type Submit = (guest: Guest) => Promise<string>;

/** Asks for the name and the description of a snapshot of several guests. */
export const askForSnapshot = async (guests: readonly Guest[]): Promise<Submit | undefined> => {
  const name = textInput({
    ...{ pattern: '[a-zA-Z0-9_:.\\-]+', placeholder: 'before-upgrade', autofocus: true },
  });
  const description = textInput();
  const isConfirmed = await formDialog({
    title: `Snapshot of ${count(guests.length, 'guest')}`,
    action: 'Create',
    content: [
      field('Name', name, 'Letters, digits and _ : . - The default is a name with the current time.'),
      field('Description', description, 'What the snapshots are for.'),
    ],
    submit: async () => {},
  });
  if (!isConfirmed) return undefined;
  const dest = name.value.trim();
  const body = { ...(dest ? { dest } : {}), description: description.value.trim() };
  return async ({ id }) => (await submit('POST', path`/guests/${id}/snapshots`, body)).jobId;
};

/** Asks for the tags to add to several guests, and to remove from them. */
export const askForTags = async (guests: readonly Guest[]): Promise<Submit | undefined> => {
  const [added, removed] = [textInput({ autofocus: true }), textInput()];
  const isConfirmed = await formDialog({
    title: `Tags of ${count(guests.length, 'guest')}`,
    action: 'Change',
    content: [
      field('Add', added, 'Separated by commas: production, web'),
      field('Remove', removed, 'Separated by commas'),
    ],
    isComplete: () => listOf(added.value).length + listOf(removed.value).length > 0,
    submit: async () => {},
  });
  if (!isConfirmed) return undefined;
  const [more, less] = [listOf(added.value), new Set(listOf(removed.value))];
  return async ({ id, tags: before = [] }) => {
    const tags = [...new Set([...before, ...more])].filter((tag) => !less.has(tag));
    if (JSON.stringify(tags) === JSON.stringify(before)) return '';
    return (await submit('PATCH', path`/guests/${id}`, { tags })).jobId;
  };
};
