import { type Script, scriptOf } from './script.ts';

/**
 * Does nothing. Because its first line declares no flags, the server checks before it runs that it
 * could write: `no-writes` and `allow-oom` would exempt it. A script without that line is checked
 * at each of its commands only.
 */
export const WRITABLE_SCRIPT: Script = scriptOf('#!lua\nreturn 1\n');
