/** On a Request whose body is not the sent bytes; also known to handlers that verify signatures. */
const PARSED_BODY = Symbol.for('spendcap.parsed-body');

/** Marks a Request whose body was parsed, and serialised again. */
export function markParsed(request: Request): void {
  Object.defineProperty(request, PARSED_BODY, { value: true });
}
