import { errorText, sendRequest } from '../api.js';
import { h, setText } from '../dom.js';
import type { Tab } from './tab.js';

/** How many of the last lines to begin with. */
const TAIL = 1000;
/** What the page keeps of the output, in characters. */
const MAX_LENGTH = 500_000;

/** Shows the end of what a container has printed, and what it prints. */
export const outputTab = (guestId: string): Tab => {
  const output = h('pre', { class: 'output', tabindex: 0, role: 'log', 'aria-label': 'Output' });
  const status = h('span', { class: 'faint', role: 'status' }, 'Loading …');
  let state: string | undefined;
  let reading: AbortController | undefined;

  const add = (text: string): void => {
    const isAtEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 20;
    setText(output, `${output.textContent}${text}`.slice(-MAX_LENGTH));
    if (isAtEnd) output.scrollTop = output.scrollHeight;
  };

  const follow = async ({ signal }: AbortController): Promise<void> => {
    const path = `/guests/${guestId}/logs?follow=true&tail=${TAIL}`;
    const { body } = await sendRequest('GET', path, { signal });
    setText(output, '');
    setText(status, 'Following');
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) break;
      add(value);
    }
    setText(
      status,
      output.textContent === '' ? 'It has printed nothing.' : 'This is all of it: the container has stopped.',
    );
  };

  const start = (): void => {
    const mine = new AbortController();
    reading = mine;
    follow(mine)
      .catch((error: unknown) => {
        if (!mine.signal.aborted) setText(status, errorText(error));
      })
      .finally(() => {
        if (reading === mine) reading = undefined;
      });
  };

  return {
    element: h('div', { class: 'output-tab' }, h('div', { class: 'toolbar' }, status), output),
    update: (guest) => {
      // A container that starts again prints more.
      if (!reading && guest.state !== state && (state === undefined || guest.state === 'running')) start();
      state = guest.state;
    },
    close: () => reading?.abort(),
  };
};
