import { createHash } from 'node:crypto';

/** A Lua script and the digest by which a server finds it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function scriptOf(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
