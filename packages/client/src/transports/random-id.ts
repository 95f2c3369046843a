/**
 * A `newId` for engines without `crypto.randomUUID`: a version 4 UUID (RFC 9562) of `Math.random`.
 * An id has to be unique, and is no secret.
 */
export function randomId(): string {
  return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (place) => {
    const digit = Math.floor(Math.random() * 16);
    return (place === 'x' ? digit : (digit & 3) | 8).toString(16);
  });
}
