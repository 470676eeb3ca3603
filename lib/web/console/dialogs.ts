import { errorText } from './api.js';
import { byId, h } from './dom.js';

const TOAST_MS = 6000;
const ERROR_MS = 20_000;

/** Shows a message at the edge of the page for some seconds. */
export const toast = (text: string, kind: 'note' | 'error' = 'note'): void => {
  const remove = (): void => element.remove();
  const element = h(
    'div',
    { class: `toast ${kind}` },
    h('span', {}, text),
    h('button', { class: 'quiet', 'aria-label': 'Close', onclick: remove }, '×'),
  );
  byId('toasts').append(element);
  setTimeout(remove, kind === 'error' ? ERROR_MS : TOAST_MS);
};

/** Runs `work` and shows its error, if any, as a toast. */
export const attempt = async (work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    toast(errorText(error), 'error');
  }
};

export interface FormOptions {
  title: string;
  /** The words on the submit button. */
  action: string;
  isDangerous?: boolean;
  content: readonly (Node | false)[];
  /** Whether the form can be submitted; called on each input. */
  isComplete?: () => boolean;
  /** Called when it is shown, and on each input. */
  onInput?: () => void;
  /** Whether it is wider than others. */
  isWide?: boolean;
  /** On an error the dialog stays open and shows it. */
  submit: () => Promise<unknown>;
  /** Called with the message of an error of `submit`. */
  onError?: (message: string) => void;
  /** Whether the user can cancel; true by default. */
  isOptional?: boolean;
}

/** Shows a form in a dialog. Once it is closed, resolves to whether it was submitted. */
export const formDialog = (options: FormOptions): Promise<boolean> => {
  const { title, action, content, isDangerous = false, isOptional = true, isWide = false } = options;
  const error = h('p', { class: 'problem', role: 'alert', hidden: true });
  const submitButton = h('button', { class: isDangerous ? 'danger' : 'primary', type: 'submit' }, action);
  const check = (): void => {
    submitButton.disabled = options.isComplete?.() === false;
    options.onInput?.();
  };
  let isDone = false;
  const submit = async (): Promise<void> => {
    submitButton.disabled = true;
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
      submitButton,
    ),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title', class: isWide ? 'wide' : undefined }, form);
  if (!isOptional) dialog.addEventListener('cancel', (event) => event.preventDefault());
  document.body.append(dialog);
  check();
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isDone);
    });
  });
};

export interface Confirmation {
  title: string;
  /** The consequences, in a sentence. */
  text: string;
  action: string;
  isDangerous?: boolean;
  /** The user must type one of these to confirm. */
  typed?: readonly string[];
}

export const confirm = (
  { title, text, action, isDangerous, typed }: Confirmation,
  submit: () => Promise<unknown>,
): Promise<boolean> => {
  const input = h('input', { autocomplete: 'off', spellcheck: 'false', autofocus: true });
  const label =
    typed && h('label', {}, h('span', {}, 'Type ', h('code', {}, typed[0]), ' to confirm'), input);
  return formDialog({
    title,
    action,
    isDangerous: isDangerous ?? false,
    content: [h('p', {}, text), ...(label ? [label] : [])],
    isComplete: () => !typed || typed.includes(input.value.trim()),
    submit,
  });
};

/** Shows a dialog with a close button and nothing to submit. */
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

/** Creates a labelled form field. */
export const field = (label: string, input: HTMLElement, hint?: string): HTMLElement =>
  h('label', {}, h('span', {}, label), input, hint ? h('small', {}, hint) : undefined);

/** Creates a labelled group of form fields. */
export const group = (label: string, inputs: HTMLElement, hint?: string): HTMLElement =>
  h(
    'div',
    { class: 'group', role: 'group', 'aria-label': label },
    h('span', {}, label),
    inputs,
    hint ? h('small', {}, hint) : undefined,
  );
