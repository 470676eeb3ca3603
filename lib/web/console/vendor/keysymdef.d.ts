/** noVNC's table from Unicode characters to the keysyms of X11, which VNC sends. */
declare const keysyms: { lookup(codePoint: number): number };
// biome-ignore lint/style/noDefaultExport: it is what the package exports
export default keysyms;
