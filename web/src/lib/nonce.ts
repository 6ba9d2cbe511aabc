/** What the server's Content-Security-Policy asks of styles that are written into the page. */
export function styleNonce(): string {
  return document.querySelector('meta[name="style-nonce"]')?.getAttribute('content') ?? '';
}
