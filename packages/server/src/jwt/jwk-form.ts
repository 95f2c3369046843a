/** What only a private or secret key has: RFC 7518, sections 6.2 to 6.4, and RFC 9964 (`priv`). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** The name of a private or secret member of a JWK, of whatever kind of key. */
export function privateMember(jwk: object): string | undefined {
  return PRIVATE_MEMBERS.find((name) => name in jwk);
}

const isText = (value: unknown): boolean => typeof value === 'string';

/** The members that every kind of key has in common (RFC 7517, section 4). */
const FORMS: readonly (readonly [name: string, isOfForm: (value: unknown) => boolean])[] = [
  ['kty', isText],
  ['kid', (value) => value === undefined || isText(value)],
  ['alg', (value) => value === undefined || isText(value)],
  ['use', (value) => value === undefined || isText(value)],
  ['key_ops', (value) => value === undefined || isOperations(value)],
  ['ext', (value) => value === undefined || typeof value === 'boolean'],
];

/** The name of a common member of a JWK that is not of its form. */
export function malformedMember(jwk: object): string | undefined {
  const members = jwk as Readonly<Record<string, unknown>>;
  return FORMS.find(([name, isOfForm]) => !isOfForm(members[name]))?.[0];
}

/** RFC 7517, section 4.3: an array of names, each of them once. */
function isOperations(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText) && new Set(value).size === value.length;
}
