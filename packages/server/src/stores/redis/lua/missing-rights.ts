import { type Script, scriptOf } from './script.ts';

/**
 * Returns the commands that the user of this connection may not run on a key, or that the server
 * does not have. `ARGV[1]` is the key, the rest are commands. Each gets the key as often as any of
 * them has arguments, because Redis 7.0 crashes on `EVALSHA` with fewer than it needs.
 */
export const MISSING_RIGHTS_SCRIPT: Script = scriptOf(`
local key, missing = ARGV[1], {}
for n = 2, #ARGV do
  local name, subcommand = ARGV[n]:match('^(%S+) ?(.*)$')
  local argument = subcommand == '' and key or subcommand
  local known, allowed = pcall(redis.acl_check_cmd, name, argument, key, key)
  if not (known and allowed) then missing[#missing + 1] = ARGV[n] end
end
return missing
`);
