/**
 * The same function with a memory of recent results. When it is full, it is emptied.
 *
 * @param max results that are kept at most
 */
export function recentTexts(
  make: (value: number) => string,
  max: number,
): (value: number) => string {
  const texts = new Map<number, string>();
  return (value) => {
    let text = texts.get(value);
    if (text === undefined) {
      text = make(value);
      if (texts.size >= max) texts.clear();
      texts.set(value, text);
    }
    return text;
  };
}
