/** Matches a public key: its type, then base64; options may precede both, and a comment follow. */
export const PUBLIC_KEY = /(^|\s)[a-z][a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+={0,3}(\s|$)/;
