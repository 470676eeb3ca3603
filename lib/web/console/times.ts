import { NO_TIME } from '../../model/job.js';
import { formatAge } from '../../portable/format.js';
import { h, setAttribute, setText } from './dom.js';
import type { Cell } from './virtual-table.js';

/** Formats a time of the agent to the second, in the time zone of the browser. */
const secondText = (time: string): string => new Date(time).toLocaleString('sv-SE');

/** Formats a time of the agent to the minute, in the time zone of the browser; empty for none. */
export const timeText = (time: string | undefined): string =>
  time === undefined || time === NO_TIME ? '' : secondText(time).slice(0, 16);

/** Creates the words for how long ago a time was, with the time itself as their tooltip. */
export const ago = (time: string): HTMLElement =>
  h('time', { datetime: time, title: secondText(time) }, formatAge(time));

/** Creates the words for how long ago a time was, and beside them the time itself. */
export const agoAndTime = (time: string): HTMLElement =>
  h('span', { class: 'when' }, ago(time), ' ', h('small', {}, timeText(time)));

/** Creates a cell with how long ago a time was, and below it the time itself. */
export const timeCell =
  <Item>(time: (item: Item) => string | undefined): (() => Cell<Item>) =>
  () => {
    const age = h('time');
    const exact = h('small');
    return {
      element: h('span', { class: 'lines' }, age, exact),
      update: (item) => {
        const now = time(item);
        setText(age, now === undefined ? '' : formatAge(now));
        setText(exact, timeText(now));
        if (now === undefined || now === NO_TIME) return age.removeAttribute('datetime');
        setAttribute(age, 'datetime', now);
        setAttribute(age, 'title', secondText(now));
      },
    };
  };
