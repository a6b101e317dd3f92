/**
 * Tells whether somebody uses the page. What it asks for by itself while nobody
 * does must not keep their session from ending.
 */
const awayAfter = 60_000;
const signs = ['pointerdown', 'keydown', 'wheel', 'touchstart'] as const;

let last = Date.now();

/** Begins to heed the signs of somebody. */
export function heedPresence(target: EventTarget): void {
  for (const sign of signs) target.addEventListener(sign, () => (last = Date.now()), { capture: true, passive: true });
}

/** Marks a request that the page sends by itself. */
export function marked(request: Request, now = Date.now()): Request {
  if (request.method === 'GET' && now - last >= awayAfter) request.headers.set('X-Archibot-Background', '1');
  return request;
}
