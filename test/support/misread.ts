/**
 * The JSON of `{ ...fields, [name]: value }` with an escape in that name, which `JSON.parse`
 * misreads from now on (nodejs/node#63785): for the name of an object with the same first names, if
 * that is as long as the name unescaped and is what the escaped one begins with.
 */
export function misreadJson(fields: object, name: string, value: unknown): string {
  const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
  const names = [...Object.keys(fields), escaped.slice(0, name.length)];
  JSON.parse(JSON.stringify(Object.fromEntries(names.map((each) => [each, 0]))));
  return `${JSON.stringify(fields).slice(0, -1)},"${escaped}":${JSON.stringify(value)}}`;
}
