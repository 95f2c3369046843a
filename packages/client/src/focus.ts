interface Page {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
  readonly document?: { readonly visibilityState?: string };
}

/** A window gets the focus; a tab is shown again, also one that comes from the page cache. */
const EVENTS = ['focus', 'visibilitychange'];

/** The `onFocus` of browsers. On other platforms there are no such events. */
export function onPageFocus(refresh: () => void): () => void {
  const page = globalThis as unknown as Page;
  const shown = () => {
    if (page.document?.visibilityState !== 'hidden') refresh();
  };
  for (const type of EVENTS) page.addEventListener?.(type, shown);
  return () => {
    for (const type of EVENTS) page.removeEventListener?.(type, shown);
  };
}
