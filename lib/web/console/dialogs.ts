import { errorText } from './api.js';
import { byId, h } from './dom.js';

const TOAST_MS = 6000;
const ERROR_MS = 20_000;

/** Says something for a while, at the edge of the page. */
export const say = (text: string, kind: 'note' | 'error' = 'note'): void => {
  const remove = (): void => toast.remove();
  const toast = h(
    'div',
    { class: `toast ${kind}` },
    h('span', {}, text),
    h('button', { class: 'quiet', 'aria-label': 'Close', onclick: remove }, '×'),
  );
  byId('toasts').append(toast);
  setTimeout(remove, kind === 'error' ? ERROR_MS : TOAST_MS);
};

/** Does it, and says what went wrong. */
export const attempt = async (work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    say(errorText(error), 'error');
  }
};

export interface FormOptions {
  title: string;
  /** What the button that goes on says. */
  action: string;
  isDangerous?: boolean;
  content: readonly (Node | false)[];
  /** Whether what is filled in will do; asked at each key. */
  isComplete?: () => boolean;
  /** Does it; what it throws is shown in the dialog, which stays open. */
  submit: () => Promise<unknown>;
  /** Is told what the agent refused. */
  onError?: (message: string) => void;
  /** Whether it may be closed without having done it. */
  isOptional?: boolean;
}

/** Asks for something in a dialog. Resolves when it is closed: to whether it was done. */
export const formDialog = (options: FormOptions): Promise<boolean> => {
  const { title, action, content, isDangerous = false, isOptional = true } = options;
  const error = h('p', { class: 'problem', role: 'alert', hidden: true });
  const go = h('button', { class: isDangerous ? 'danger' : 'primary', type: 'submit' }, action);
  const check = (): void => {
    go.disabled = options.isComplete?.() === false;
  };
  let isDone = false;
  const submit = async (): Promise<void> => {
    go.disabled = true;
    error.hidden = true;
    try {
      await options.submit();
      isDone = true;
      dialog.close();
    } catch (reason) {
      error.textContent = errorText(reason);
      error.hidden = false;
      options.onError?.(errorText(reason));
    } finally {
      check();
    }
  };
  const form = h(
    'form',
    {
      oninput: check,
      onsubmit: (event) => {
        event.preventDefault();
        void submit();
      },
    },
    h('h2', { id: 'dialog-title' }, title),
    ...content,
    error,
    h(
      'div',
      { class: 'buttons' },
      isOptional && h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'),
      go,
    ),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, form);
  if (!isOptional) dialog.addEventListener('cancel', (event) => event.preventDefault());
  document.body.append(dialog);
  check();
  dialog.showModal();
  // The browser gives the focus back to where it was.
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isDone);
    });
  });
};

export interface Confirmation {
  title: string;
  /** What it will do, in a sentence. */
  text: string;
  action: string;
  isDangerous?: boolean;
  /** What has to be typed, so that it is no slip: one of these. */
  typed?: readonly string[];
}

export const confirm = (
  { title, text, action, isDangerous, typed }: Confirmation,
  submit: () => Promise<unknown>,
): Promise<boolean> => {
  const input = h('input', { autocomplete: 'off', spellcheck: 'false', autofocus: true });
  const label = typed && h('label', {}, h('span', {}, 'Type ', h('code', {}, typed[0]), ' to go on'), input);
  return formDialog({
    title,
    action,
    isDangerous: isDangerous ?? false,
    content: [h('p', {}, text), ...(label ? [label] : [])],
    isComplete: () => !typed || typed.includes(input.value.trim()),
    submit,
  });
};

/** A dialog that only tells something. */
export const showDialog = (title: string, ...content: Node[]): void => {
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'dialog-title', onclose: () => dialog.remove() },
    h('h2', { id: 'dialog-title' }, title),
    ...content,
    h(
      'div',
      { class: 'buttons' },
      h('button', { class: 'primary', autofocus: true, onclick: () => dialog.close() }, 'Close'),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
};

/** A field of a form. */
export const field = (label: string, input: HTMLElement, hint?: string): HTMLElement =>
  h('label', {}, h('span', {}, label), input, hint ? h('small', {}, hint) : undefined);

/** Several fields of a form under one heading. */
export const group = (label: string, inputs: HTMLElement, hint?: string): HTMLElement =>
  h(
    'div',
    { class: 'group', role: 'group', 'aria-label': label },
    h('span', {}, label),
    inputs,
    hint ? h('small', {}, hint) : undefined,
  );
