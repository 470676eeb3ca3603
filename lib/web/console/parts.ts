import type { Guest } from '../../model/guest.js';
import { isFinished } from '../../model/job.js';
import { writeClipboard } from './clipboard.js';
import { attempt } from './dialogs.js';
import { h, setAttribute, setText } from './dom.js';
import type { JobState } from './store.js';
import type { Cell } from './virtual-table.js';
import { actionWords } from './words.js';

/** The colour of each state of a guest, job, image or run of a schedule. */
const TONES: Record<string, string> = {
  running: 'good',
  Complete: 'good',
  complete: 'good',
  success: 'good',
  skipped: 'bad',
  paused: 'idle',
  suspended: 'idle',
  crashed: 'bad',
  error: 'bad',
  Error: 'bad',
  blocked: 'bad',
  template: 'idle',
  create: 'busy',
  pending: 'busy',
  Running: 'busy',
};

/** What to show as the state of a guest. A template is off, but says more than that. */
export const stateOf = ({ state = '', template }: Pick<Guest, 'state' | 'template'>): string =>
  template ? 'template' : state;

/** Creates a state's name, with the reason in parentheses, beside a dot of its colour. */
export const stateBadge = (): { element: HTMLElement; update(state: string, reason?: string): void } => {
  const element = h('span', { class: 'state' });
  return {
    element,
    update: (state, reason) => {
      setText(element, reason ? `${state} (${reason})` : state || 'unknown');
      // A narrow column cuts a long reason off.
      setAttribute(element, 'title', reason ?? '');
      setAttribute(element, 'data-tone', TONES[state] ?? 'off');
    },
  };
};

export const stateCell =
  <Item>(state: (item: Item) => string, reason?: (item: Item) => string | undefined): (() => Cell<Item>) =>
  () => {
    const badge = stateBadge();
    return { element: badge.element, update: (item) => badge.update(state(item), reason?.(item)) };
  };

const shortProgress = ({ job: { Action, Status }, percent }: JobState): string => {
  if (Status === 'Queued') return `${actionWords(Action)} (queued)`;
  return percent === undefined ? actionWords(Action) : `${actionWords(Action)} ${percent} %`;
};

/** Creates a progress bar with a label; hidden unless the job is queued or running. */
export const jobProgress = (
  words: (state: JobState) => string = shortProgress,
): { element: HTMLElement; update(state: JobState | undefined): void } => {
  const label = h('span');
  const bar = h('progress', { max: 100 });
  const element = h('span', { class: 'job-progress', hidden: true }, label, bar);
  return {
    element,
    update: (state) => {
      element.hidden = !state || isFinished(state.job);
      if (!state || element.hidden) return;
      const { Action, Message } = state.job;
      setText(label, words(state));
      setAttribute(element, 'title', Message);
      setAttribute(bar, 'aria-label', `Progress of ${actionWords(Action)}`);
      if (state.percent === undefined) bar.removeAttribute('value');
      else bar.value = state.percent;
    },
  };
};

/** Creates a list of names and values, without the empty ones. */
export const facts = (pairs: readonly (readonly [string, string | Node | undefined])[]): HTMLElement =>
  h(
    'dl',
    { class: 'facts' },
    ...pairs.flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [h('div', {}, h('dt', {}, name), h('dd', {}, value))],
    ),
  );

/** Creates a monospaced text with a button that copies it. */
export const copyable = (text: string, what: string): HTMLElement => {
  const copy = (): Promise<void> =>
    attempt(async () => {
      await writeClipboard(text);
      button.textContent = 'Copied';
      setTimeout(() => {
        button.textContent = 'Copy';
      }, 1500);
    });
  const button = h(
    'button',
    { class: 'quiet copy', 'aria-label': `Copy ${what}`, onclick: () => void copy() },
    'Copy',
  );
  return h('span', { class: 'faint' }, h('span', { class: 'mono' }, text), button);
};
