/** The part of noVNC that the console uses. The package has no types; its docs/API.md describes this. */
// biome-ignore lint/style/noDefaultExport: it is what the package exports
export default class RFB extends EventTarget {
  constructor(target: HTMLElement, socket: WebSocket, options?: { shared?: boolean });
  background: string;
  focusOnClick: boolean;
  resizeSession: boolean;
  scaleViewport: boolean;
  viewOnly: boolean;
  clipboardPasteFrom(text: string): void;
  disconnect(): void;
  focus(options?: FocusOptions): void;
  sendCtrlAltDel(): void;
  /** Presses and releases a key. */
  sendKey(keysym: number): void;
}
