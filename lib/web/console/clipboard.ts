/** Browsers give pages the clipboard only where nobody can have changed the page on its way. */
const requireClipboard = (): Clipboard => {
  if (!isSecureContext)
    throw new Error('Browsers give a page the clipboard only over HTTPS, or on localhost.');
  return navigator.clipboard;
};

/** @throws {Error} that says what to do when the browser refuses */
export const readClipboard = async (): Promise<string> => {
  const clipboard = requireClipboard();
  const text = await clipboard.readText().catch(() => {
    throw new Error('The browser does not let this page read your clipboard: allow it beside the address.');
  });
  if (text === '') throw new Error('Your clipboard has no text.');
  return text;
};

/** @throws {Error} that says what to do when the browser refuses */
export const writeClipboard = (text: string): Promise<void> =>
  requireClipboard()
    .writeText(text)
    .catch(() => {
      throw new Error(
        'The browser does not let this page write to your clipboard: select the text and copy it.',
      );
    });
