import { createHash } from 'node:crypto';
import { ACCOUNT_LUA } from './account.ts';
import { VERBS_LUA } from './verbs.ts';

/** A hold in at most so many windows is quick. Each has a variable, as a table takes Lua longer. */
const QUICK_WINDOWS = [1, 2, 3, 4, 5, 6, 7, 8];
const SUMS_LUA = QUICK_WINDOWS.map((n) => `s${n}`).join(', ');
const forSums = (lines: (sum: string, n: number) => string): string =>
  QUICK_WINDOWS.map((n) => lines(`s${n}`, n)).join('\n');

/**
 * The ledger of `ledger.ts` in Lua 5.1, run inside Redis: one call does a batch of commands, each as
 * one step that nothing can interrupt. `ARGV` holds the prefix, how long to keep, whether ids are
 * indexed, how many lists of windows follow, and those lists, each with its caps; then four of each
 * command: its numbers in JSON, see `redis-command.ts`; the subject and the purchase, each as a hash
 * tag, `{name}`, or empty; and the record of a new purchase. `KEYS[1]` only says where to run.
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

-- True if a purchase of the subject has the id already, open or ended.
local function is_taken(key, id, first, last)
  if call('HEXISTS', key, id) == 1 then return true end
  for page = page_of(last), first, -1 do
    if call('HEXISTS', page_key(key, page), id) == 1 then return true end
  end
  return false
end

-- The lists of windows that the commands name, and of the one in use: its text, marks and caps.
local lists, chosen, windows, mark_a, mark_b, caps = {}
local function use(number)
  if number == chosen then return end
  chosen = number
  windows, mark_a, mark_b, caps = unpack(lists[number])
end

-- In one flat list, since each list within it takes long: of a command that was quick, what each of its
-- windows has used, or 0 where it has none; of any other what \`run\` answers, a list.
local replies, count = {}, 0
local function answer(reply)
  count = count + 1
  replies[count] = reply
end

-- What most purchases are: in the windows of the one before, which are those in use and eight at
-- most, with room, while no hold is over.
-- Whatever is otherwise is left to the verbs: then it has done nothing and answers nothing.
local function quick(c, tag, id, record)
  local size = #caps
  if size > ${QUICK_WINDOWS.length} then return end
  local key, at, amount, ends = prefix .. tag, c[2], c.amount, c.ends
  local packed = call('HGET', key, 'u')
  if not packed or #packed ~= 8 * (SUMS - 1 + size) then return end
  local format = doubles(SUMS - 1 + size)
  local to, next_end, last, pending, page, a, b, ${SUMS_LUA} = unpacked(format, packed)
  if a ~= mark_a or b ~= mark_b or at >= next_end or c.needed_to > to then return end
${forSums(
  (sum, n) => `  if size >= ${n} then
    ${sum} = ${sum} + amount
    if ${sum} > caps[${n}] or ${sum} > 9e15 then return end
  end`,
)}
  -- Makes the id the subject's; on a cluster it has been, but may be taken all the same.
  if indexed then
    if not call('SET', prefix .. id .. ':s', tag, 'PX', c.lifetime, 'NX') then return end
  elseif is_taken(key, id, page, last) then
    return
  end
  if ends < next_end then next_end = ends end
  if at >= last then last = at + 1 end
  packed = pack(format, to, next_end, last, pending, page, a, b, ${SUMS_LUA})
  call('HSET', key, 'u', packed, id, record)
  if size == 0 then answer(0) end
${forSums((sum, n) => `  if size >= ${n} then replies[count + ${n}] = ${sum} end`)}
  count = count + size
  return true
end

local function ledger()
${ACCOUNT_LUA}
${VERBS_LUA}
end

local run, forget
-- Purchases of one instant and price have the same numbers.
local decoded = {}
local function attempt(numbers, tag, id, record)
  local c = decoded[numbers]
  if not c then
    c = cjson.decode(numbers)
    if record ~= '' or c[1] == 'usage' then c.list = table.remove(c) end
    if record ~= '' then
      c.amount, c.ends, c.needed_to = c[3], c[2] + c[4], c[2] + c[5]
      c.lifetime = string.format('%d', c[5])
    end
    decoded[numbers] = c
  end
  if c.list then use(c.list) end
  if c[1] == 'plain' and quick(c, tag, id, record) then return end
  if not run then run, forget = ledger() end
  answer(run(c, tag, id, record))
end

local args = ARGV
for n = 5, 4 + args[4] do
  local text, limits = args[n]:match('^(.*)\\n(.*)$')
  local a, b = mark(text)
  lists[#lists + 1] = { text, a, b, cjson.decode(limits) }
end
local n = 5 + args[4]
local function go_on()
  while n < #args do
    attempt(args[n], args[n + 1], args[n + 2], args[n + 3])
    n = n + 4
  end
end
-- One that fails, fails alone.
while n < #args do
  local ok, why = pcall(go_on)
  if not ok then
    if forget then forget() end
    answer({ 'error', type(why) == 'table' and why.err or tostring(why) })
    n = n + 4
  end
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
