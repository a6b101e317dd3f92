/**
 * The page's policy lets in styles that bear its nonce. Radix keeps a page from
 * scrolling under a dialog by a style of its own; it takes the nonce from here
 * (package get-nonce).
 */
declare global {
  var __webpack_nonce__: string | undefined;
}

const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');

globalThis.__webpack_nonce__ = meta?.nonce;

export {};
