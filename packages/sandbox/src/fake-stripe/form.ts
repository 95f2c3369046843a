/** A decoded request body: members by name. */
export interface FormObject {
  readonly [name: string]: FormValue;
}
export type FormValue = string | FormObject;

/** Decodes `a[b][0]=c`, the encoding of nested parameters in Stripe's API. */
export function decodeForm(body: string): FormObject {
  const root: Record<string, FormValue> = Object.create(null);
  for (const [name, value] of new URLSearchParams(body)) {
    const head = name.split('[', 1)[0] ?? '';
    const path = [head, ...[...name.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] ?? '')];
    let at = root;
    for (const part of path.slice(0, -1)) {
      const next = at[part];
      if (typeof next === 'object') at = next as Record<string, FormValue>;
      else {
        const made: Record<string, FormValue> = Object.create(null);
        at[part] = made;
        at = made;
      }
    }
    at[path.at(-1) ?? ''] = value;
  }
  return root;
}

export function objectIn(form: FormObject, name: string): FormObject {
  const value = form[name];
  return typeof value === 'object' ? value : {};
}

export function textIn(form: FormObject, name: string): string | undefined {
  const value = form[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Items of an indexed list, in order. */
export function listIn(form: FormObject, name: string): FormValue[] {
  return Object.values(objectIn(form, name));
}

/** The text members, for example of `metadata`. */
export function textsIn(form: FormObject, name: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectIn(form, name)).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  );
}
