import { type Script, scriptOf } from './script.ts';

/**
 * The Lua function `due_in(key, at, limit, after_end, after_id)`: a page of a sorted set of holds
 * by their end, as a flat list of ids and ends. It has the holds that end by `at`, after the place
 * of `after_id`, if given, whether that is still in the set or not. Holds that end at the same
 * instant are in the order of their ids' bytes, as Redis keeps them; the place among them is
 * searched by halves, so that a page costs the same however many there are.
 */
export const DUE_IN = `local function due_in(key, at, limit, after_end, after_id)
  -- Not by <, which depends on the server's locale.
  local function comes_after(a, b)
    local n = 1
    while a:byte(n) and a:byte(n) == b:byte(n) do n = n + 1 end
    return (a:byte(n) or -1) > (b:byte(n) or -1)
  end

  -- The rank of the first hold of the page, from 0.
  local first = 0
  if after_id then
    local instant = string.format('%d', after_end)
    first = redis.call('ZCOUNT', key, '-inf', '(' .. instant)
    local beyond = redis.call('ZCOUNT', key, '-inf', instant)
    while first < beyond do
      local middle = math.floor((first + beyond) / 2)
      if comes_after(redis.call('ZRANGE', key, middle, middle)[1], after_id) then
        beyond = middle
      else
        first = middle + 1
      end
    end
  end
  local count = math.min(limit, redis.call('ZCOUNT', key, '-inf', string.format('%d', at)) - first)
  if count <= 0 then return {} end
  return redis.call('ZRANGE', key, first, first + count - 1, 'WITHSCORES')
end
`;

/**
 * On a cluster: a page of one list. `KEYS[1]`: the list. `ARGV`: the instant, the limit, and,
 * unless it is the first page, the end and the id of the hold before it.
 */
export const DUE_SCRIPT: Script = scriptOf(`
${DUE_IN}
return due_in(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3] or 0), ARGV[4])
`);
