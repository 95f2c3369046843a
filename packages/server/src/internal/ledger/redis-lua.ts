import { createHash } from 'node:crypto';
import { ACCOUNT_LUA } from './redis-lua-account.ts';
import { VERBS_LUA } from './redis-lua-verbs.ts';

/**
 * The ledger of `ledger.ts` in Lua 5.1, run inside Redis: one call does a batch of commands, each as
 * one step that nothing can interrupt. `ARGV` holds the prefix, how long to keep, whether ids are
 * indexed, and then five of each command: its numbers in JSON, see
 * `redis-command.ts`; the subject and the purchase, each as
 * a hash tag, `{name}`, or empty; the record of a new purchase; the windows and caps, or `=` for those before. `KEYS[1]` only says
 * where to run.
 *
 * Keys, all of a subject in one hash slot:
 * - `{subject}` a hash of the open holds, by their tags, and of the account, which is a cache:
 *   `w` the windows that are counted, a line each; `u` doubles, namely until when the key lives,
 *   when the first hold ends, after which instant nothing was reserved, open reconcile holds, the
 *   first page, a mark of `w`, and what each window has used
 * - `{subject}:PAGE` purchases that have ended, of 32 days: with the open ones, the truth
 * - `{ID}:s` the subject of a purchase
 */
const LUA = `
local prefix, keep, indexed = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local OVERDUE, FOREVER, PAGE = prefix .. 'overdue', 1e18, 2764800000
-- Of the account's numbers; from SUMS on, one for each window.
local TO, NEXT, LAST, PENDING, FIRST_PAGE, MARK, SUMS = 1, 2, 3, 4, 5, 6, 8
local call, pack, unpacked = redis.call, struct.pack, struct.unpack

local formats = {}
local function doubles(count)
  if not formats[count] then formats[count] = '<' .. ('d'):rep(count) end
  return formats[count]
end

-- Two numbers of 48 bits that stand for the windows, so that they need not be read to be compared.
local function mark(windows)
  local hex = redis.sha1hex(windows)
  return tonumber(hex:sub(1, 12), 16), tonumber(hex:sub(13, 24), 16)
end

local function page_of(at)
  return math.floor(at / PAGE)
end

local function page_key(key, page)
  return key .. ':' .. string.format('%d', page)
end

-- Makes an id the subject's, unless it is taken already.
local function take(key, u, tag, id, ms)
  if indexed then return call('SET', prefix .. id .. ':s', tag, 'PX', ms, 'NX') end
  if call('HEXISTS', key, id) == 1 then return false end
  for page = page_of(u[LAST]), u[FIRST_PAGE], -1 do
    if call('HEXISTS', page_key(key, page), id) == 1 then return false end
  end
  return true
end

-- The windows of this command: as they came, their marks and their caps.
local windows, mark_a, mark_b, caps

-- What most purchases are: in the windows of the one before, with room, while no hold is over.
-- Whatever is otherwise is left to the verbs: then it has done nothing and answers nothing.
local function quick(c, tag, id, record)
  local key, at, amount, ends = prefix .. tag, c[2], c[3], c[4]
  local packed = call('HGET', key, 'u')
  if not packed then return end
  local count = #packed / 8
  local u, sums = { unpacked(doubles(count), packed) }, {}
  if u[MARK] ~= mark_a or u[MARK + 1] ~= mark_b then return end
  if at >= u[NEXT] or c[5] > u[TO] then return end
  for n, cap in ipairs(caps) do
    local sum = u[SUMS - 1 + n] + amount
    if sum > cap or sum > 9e15 then return end
    u[SUMS - 1 + n], sums[n] = sum, sum
  end
  if not take(key, u, tag, id, c[6]) then return end
  if ends < u[NEXT] then u[NEXT] = ends end
  if at >= u[LAST] then u[LAST] = at + 1 end
  call('HSET', key, 'u', pack(doubles(count), unpack(u, 1, count)), id, record)
  return sums
end

local function ledger()
${ACCOUNT_LUA}
${VERBS_LUA}
end

local run, forget
local function attempt(numbers, tag, id, record, asked)
  local c = cjson.decode(numbers)
  if asked ~= '=' then
    windows, caps = asked:match('^(.*)\\n(.*)$')
    mark_a, mark_b = mark(windows)
    caps = cjson.decode(caps)
  end
  local sums = c[1] == 'plain' and quick(c, tag, id, record)
  if sums then return sums end
  if not run then run, forget = ledger() end
  return run(c, tag, id, record)
end

local replies, args = {}, ARGV
for n = 4, #args, 5 do
  local ok, reply = pcall(attempt, args[n], args[n + 1], args[n + 2], args[n + 3], args[n + 4])
  if not ok then
    if forget then forget() end
    reply = { 'error', type(reply) == 'table' and reply.err or tostring(reply) }
  end
  replies[#replies + 1] = reply
end
return replies
`;

/**
 * On a cluster: says that an id is a subject's, unless it is another's, whose name it answers.
 * `{ID}:n` counts the attempts that have not been refused, so that a refusal leaves no trace. After a
 * day it is gone: then an older attempt stands, which no later one may take back.
 */
const CLAIM = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return owner end
local ms = math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[1]))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ms)
redis.call('INCRBY', KEYS[2], owner and redis.call('EXISTS', KEYS[2]) == 0 and 2 or 1)
redis.call('PEXPIRE', KEYS[2], 86400000)
return ARGV[1]
`;

/** On a cluster: takes back the claim of a refused attempt, if it was the only one. */
const UNCLAIM = `
if redis.call('DECR', KEYS[2]) <= 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
return 1
`;

export interface Script {
  readonly text: string;
  readonly sha: string;
}

const script = (text: string): Script => ({
  text,
  sha: createHash('sha1').update(text).digest('hex'),
});

export const LEDGER_SCRIPT = script(LUA);
export const CLAIM_SCRIPT = script(CLAIM);
export const UNCLAIM_SCRIPT = script(UNCLAIM);
