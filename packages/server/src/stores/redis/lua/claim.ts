import { type Script, scriptOf } from './script.ts';

const DAY_MS = 86_400_000;

/**
 * On a cluster: claims a purchase id for a subject, and returns the subject that has it.
 *
 * - `KEYS[1]`: the subject of the purchase. `ARGV[1]`: the subject. `ARGV[2]`: the claim's
 *   lifetime.
 * - `KEYS[2]`: the number of attempts that were not refused, so that a refusal leaves no trace. It
 *   lasts a day; an older attempt counts as one that no later refusal may undo.
 */
export const CLAIM_SCRIPT: Script = scriptOf(`
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return owner end
local ms = math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[1]))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ms)
redis.call('INCRBY', KEYS[2], owner and redis.call('EXISTS', KEYS[2]) == 0 and 2 or 1)
redis.call('PEXPIRE', KEYS[2], ${DAY_MS})
return ARGV[1]
`);

/** On a cluster: undoes the claim of a refused attempt if it was the only one. */
export const UNCLAIM_SCRIPT: Script = scriptOf(`
if redis.call('DECR', KEYS[2]) <= 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
return 1
`);
