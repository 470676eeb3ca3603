import { createCurl, createLine } from '../../client/create-line.js';
import { type CreateOptions, guestSpec } from '../../client/guest-spec.js';
import { errorText } from './api.js';
import { writeClipboard } from './clipboard.js';
import { attempt, toast } from './dialogs.js';
import { h, setText } from './dom.js';
import { token } from './session.js';

const block = (title: string): { element: HTMLElement; show: (text: string) => void } => {
  const code = h('code', {});
  const copy = h(
    'button',
    {
      ...{ type: 'button', class: 'small', 'aria-label': `Copy: ${title}` },
      onclick: () =>
        void attempt(async () => {
          await writeClipboard(code.textContent ?? '');
          toast('Copied.');
        }),
    },
    'Copy',
  );
  return {
    element: h(
      'div',
      { class: 'group' },
      h('span', { class: 'row' }, title, copy),
      h('pre', { tabindex: 0 }, code),
    ),
    show: (text) => setText(code, text),
  };
};

/**
 * Shows the same request as a command and for curl, once the user opens it.
 * @param read what the form says; rejects while it is not complete
 */
export const requestPreview = (
  read: () => Promise<CreateOptions>,
): { element: HTMLElement; update: () => Promise<void> } => {
  const [line, curl] = [block('In a terminal'), block('As a call of the API')];
  const problem = h('p', { class: 'faint', hidden: true });
  const update = async (): Promise<void> => {
    if (!element.open) return;
    try {
      const options = await read();
      const { start = true } = options;
      line.show(createLine(options));
      curl.show(
        createCurl(guestSpec(options), { origin: location.origin, start, hasToken: token() !== undefined }),
      );
      problem.hidden = true;
    } catch (error) {
      setText(problem, errorText(error));
      problem.hidden = false;
    }
  };
  const element = h(
    'details',
    { class: 'preview', ontoggle: () => void update() },
    h('summary', {}, 'The same without this form'),
    problem,
    line.element,
    curl.element,
  );
  return { element, update };
};
