const TOKEN_KEY = 'mistify.token';

/** The token that the user signed in with, if any. */
export const token = (): string | undefined =>
  sessionStorage.getItem(TOKEN_KEY) ?? localStorage.getItem(TOKEN_KEY) ?? undefined;

/** @param remember whether to keep the token on this device after the tab is closed */
export const keepToken = (value: string, remember: boolean): void => {
  forgetToken();
  (remember ? localStorage : sessionStorage).setItem(TOKEN_KEY, value);
};

export const forgetToken = (): void => {
  for (const storage of [sessionStorage, localStorage]) storage.removeItem(TOKEN_KEY);
};

let readOnly = false;

/** Whether the rights of this page permit no changes. */
export const isReadOnly = (): boolean => readOnly;

export const setReadOnly = (now: boolean): void => {
  readOnly = now;
};

let downloads = true;

/** Whether the rights of this page permit downloads of disks. */
export const mayDownload = (): boolean => downloads;

export const setMayDownload = (now: boolean): void => {
  downloads = now;
};

/** Base64url (RFC 4648, section 5), whose characters a subprotocol name may have. */
const base64Url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** The subprotocols of a console. One carries the token, because browsers cannot send headers with a WebSocket. */
export const consoleProtocols = (): string[] => {
  const value = token();
  return ['mistify.console', ...(value === undefined ? [] : [`mistify.token.${base64Url(value)}`])];
};
