import { createHash } from 'node:crypto';
import { ACCOUNT_LUA } from './redis-lua-account.ts';

/** The verbs of `ledger.ts` in Lua, in its order. */
const VERBS_LUA = `
-- One that has left by itself leaves its id in the index: now and then the oldest are looked at.
local function trim(s)
  for _, id in ipairs(redis.call('ZRANGE', s.key .. ':i', 0, 15)) do
    if redis.call('EXISTS', s.key .. ':p:' .. id) == 1 then return end
    redis.call('ZREM', s.key .. ':i', id)
  end
end

local function hold(s, p)
  if s.at % 8 == 0 then trim(s) end
  local record = { p, {}, 0 }
  s.known, s.dirty = true, true
  shift(s, p, p[AMOUNT])
  record[3] = needed(s, record)
  save(s, record)
  redis.call('ZADD', s.key .. ':i', p[RESERVED_AT], p[ID])
  if p[ON_EXPIRY] == 'release' then
    redis.call('ZADD', s.key .. ':h', p[EXPIRES_AT], p[ID])
    redis.call('PEXPIRE', s.key .. ':h', math.max(1, s.keep_to - s.at))
  else
    s.pending = s.pending + 1
    if indexed then redis.call('ZADD', OVERDUE, p[EXPIRES_AT], p[ID]) end
  end
end

local function reserve(s, p, windows)
  local owner = indexed and redis.call('GET', tagged(p[ID]) .. ':s')
  if owner and owner ~= s.name then return { 'conflict' } end
  local used = usage(s, windows, true)
  -- Without an owner, one that is indexed cannot be there.
  local before = (owner or not indexed) and load(s, p[ID])
  if before then
    if before[1][REQUEST] ~= p[REQUEST] then return { 'conflict' } end
    return { 'held', before[1], true, used }
  end
  for n, w in ipairs(windows) do
    if used[n] + p[AMOUNT] > w[W_CAP] then return { 'refused', false, false, used } end
  end
  if overflows(s, p, p[AMOUNT]) then return { 'unsafe' } end
  hold(s, p)
  for n in ipairs(used) do used[n] = used[n] + p[AMOUNT] end
  return { 'held', false, false, used }
end

-- Writes a purchase's next state and what that changes in the windows that count it.
local function change(s, record, edits)
  local p = record[1]
  local after = { unpack(p, 1, LATE) }
  for field, value in pairs(edits) do after[field] = value end
  local difference = counted(after) - counted(p)
  if overflows(s, after, difference) then return { 'unsafe' } end
  if p[STATE] == 'reserved' and p[ON_EXPIRY] == 'release' then
    redis.call('ZREM', s.key .. ':h', p[ID])
  elseif p[STATE] == 'reserved' then
    s.pending = s.pending - 1
    if indexed then redis.call('ZREM', OVERDUE, p[ID]) end
  end
  shift(s, after, difference)
  record[1] = after
  record[3] = needed(s, record)
  save(s, record)
  s.dirty = true
  return { 'done', after, true }
end

local verbs = {}

function verbs.commit(s, record, amount)
  local p = record[1]
  local charged = amount or p[AMOUNT]
  if p[STATE] == 'committed' then
    return { p[COMMITTED] == charged and 'done' or 'ended', p }
  end
  local late = p[STATE] ~= 'reserved'
  return change(s, record, { [STATE] = 'committed', [COMMITTED] = charged, [LATE] = late })
end

function verbs.release(s, record)
  local p = record[1]
  if p[STATE] == 'committed' then return { 'ended', p } end
  if p[STATE] ~= 'reserved' then return { 'done', p } end
  return change(s, record, { [STATE] = 'released' })
end

function verbs.refund(s, record, id, asked, restores)
  local p, before = record[1], record[2][id]
  if before then
    local agrees = not asked or (before[1] or asked) == asked
    return { agrees and 'done' or 'conflict', p }
  end
  if p[STATE] ~= 'committed' then return { 'not_committed', p } end
  local left = p[COMMITTED] - p[REFUNDED]
  local amount = asked or left
  if amount > left or amount == 0 then return { 'exceeds', p } end
  local restored = restores and amount or 0
  record[2][id] = { amount, restored, false }
  local edits = { [REFUNDED] = p[REFUNDED] + amount, [RESTORED] = p[RESTORED] + restored }
  return change(s, record, edits)
end

function verbs.reverseRefund(s, record, id)
  local p, before = record[1], record[2][id]
  if not before then
    -- Its refund has yet to be told of, and must then change nothing.
    record[2][id] = { false, 0, true }
    save(s, record)
    s.dirty = true
    return { 'done', p }
  end
  if before[3] then return { 'done', p } end
  record[2][id] = { before[1], before[2], true }
  local edits = { [REFUNDED] = p[REFUNDED] - before[1], [RESTORED] = p[RESTORED] - before[2] }
  return change(s, record, edits)
end

function verbs.get(_, record)
  return { 'done', record[1] }
end

-- Clients round the largest integers of a reply by one, so those cross as text.
local exact
function exact(list)
  for n, value in ipairs(list) do
    if type(value) == 'table' then exact(value)
    elseif type(value) == 'number' and value > 9e15 then list[n] = string.format('%.0f', value) end
  end
  return list
end

local function overdue(at, limit)
  local found = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', OVERDUE, '-inf', at, 'LIMIT', 0, limit)) do
    local name = redis.call('GET', tagged(id) .. ':s')
    local record = name and load({ key = tagged(name) }, id)
    if record then
      record[1][LATE + 1] = name
      found[#found + 1] = record[1]
    end
  end
  return { 'done', false, false, {}, found, '' }
end

local function run(text)
  local c = cjson.decode(text)
  local verb, at, name = c[1], c[2], c[3]
  if verb == 'overdue' then return overdue(at, c[4]) end
  if verb == 'peek' then
    local record = load({ key = tagged(name) }, c[4])
    return { 'done', record and record[1], false, {}, {}, name }
  end
  name = name or redis.call('GET', tagged(c[4]) .. ':s')
  if not name then return { 'not_found', false, false, {}, {}, '' } end
  local s, reply = open(name, at), nil
  if verb == 'reserve' then
    reply = reserve(s, c[4], c[5])
  elseif verb == 'usage' then
    reply = { 'done', false, false, usage(s, c[4]) }
  else
    local record = load(s, c[4])
    reply = record and verbs[verb](s, record, c[5], c[6], c[7]) or { 'not_found' }
  end
  close(s)
  return { reply[1], reply[2] or false, reply[3] or false, reply[4] or {}, s.expired, s.name }
end

local replies = {}
for n = 2, #ARGV do
  opened = nil
  local ok, reply = pcall(run, ARGV[n])
  if not ok then
    -- Whatever it had begun to count is worked out again.
    if opened then redis.pcall('DEL', opened .. ':a') end
    reply = { 'error', type(reply) == 'table' and reply.err or tostring(reply) }
  end
  replies[n - 1] = exact(reply)
end
return replies
`;

/**
 * On a cluster: says that an id is a subject's, unless it is another's, whose name it answers.
 * `{ID}:n` counts the attempts that have not been refused, so that a refusal leaves no trace.
 */
const CLAIM = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return owner end
local ms = math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[1]))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ms)
redis.call('INCR', KEYS[2])
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

export const LEDGER_SCRIPT = script(`${ACCOUNT_LUA}\n${VERBS_LUA}`);
export const CLAIM_SCRIPT = script(CLAIM);
export const UNCLAIM_SCRIPT = script(UNCLAIM);
