/**
 * The ledger of `ledger.ts` in Lua 5.1, run inside Redis: one call does a batch of commands, each as
 * one step that nothing can interrupt. This is what its verbs are made of. `ARGV[1]` holds the
 * options, every other one a command: `[verb, at, subject or false, ...]` in JSON. `KEYS[1]` only says
 * where to run.
 *
 * Keys, all of a subject in one hash slot:
 * - `{subject}:p:ID` a purchase, packed as `{ fields, refunds, keep_to }`
 * - `{subject}:i` ids by the instant of the reservation: with the purchases, the truth
 * - `{subject}:h` open holds that end by themselves, by that instant
 * - `{subject}:a` the account: `{ keep_to, open reconcile holds, counters }`, a cache
 * - `{ID}:s` the subject of a purchase
 *
 * Lua's numbers are doubles, exact within the safe integers; cmsgpack and replies keep them whole.
 */
export const ACCOUNT_LUA = `
local options = cjson.decode(ARGV[1])
local prefix, keep, indexed = options.prefix, options.keepMs, options.indexed
local OVERDUE = prefix .. 'overdue'
-- The subject that a command has begun to change.
local opened
local MAX_COUNTERS, MAX_SAFE = 100, 9007199254740991
local ID, REQUEST, AMOUNT, CURRENCY, APP, CATEGORY, RESERVED_AT, EXPIRES_AT, ON_EXPIRY, BASIS,
  STATE, COMMITTED, REFUNDED, RESTORED, LATE = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
-- Of a window, and of the counter of one.
local W_CURRENCY, W_APP, W_CATEGORIES, W_START, W_END, W_CAP, W_USED = 1, 2, 3, 4, 5, 6, 6

local function tagged(text)
  return prefix .. '{' .. text:gsub('[%%}]', { ['%'] = '%25', ['}'] = '%7D' }) .. '}'
end

local function counted(p)
  if p[STATE] == 'reserved' then return p[AMOUNT] end
  return p[STATE] == 'committed' and p[COMMITTED] - p[RESTORED] or 0
end

local function selects(w, p)
  if p[RESERVED_AT] < w[W_START] or p[RESERVED_AT] >= w[W_END] then return false end
  if w[W_CURRENCY] ~= p[CURRENCY] or (w[W_APP] and w[W_APP] ~= p[APP]) then return false end
  if not w[W_CATEGORIES] then return true end
  for _, category in ipairs(w[W_CATEGORIES]) do
    if category == p[CATEGORY] then return true end
  end
  return false
end

local function same(a, b)
  if a[W_START] ~= b[W_START] or a[W_END] ~= b[W_END] then return false end
  if a[W_CURRENCY] ~= b[W_CURRENCY] or a[W_APP] ~= b[W_APP] then return false end
  local mine, other = a[W_CATEGORIES], b[W_CATEGORIES]
  if not mine or not other then return mine == other end
  if #mine ~= #other then return false end
  for n, category in ipairs(mine) do
    if category ~= other[n] then return false end
  end
  return true
end

local function find(counters, w)
  for _, counter in ipairs(counters) do
    if same(counter, w) then return counter end
  end
end

local function shift(s, p, change)
  if change == 0 then return end
  for _, counter in ipairs(s.counters) do
    if selects(counter, p) then counter[W_USED] = counter[W_USED] + change end
  end
end

local function overflows(s, p, change)
  for _, counter in ipairs(s.counters) do
    if selects(counter, p) and counter[W_USED] + change > MAX_SAFE then return true end
  end
  return false
end

local function load(s, id)
  local packed = redis.call('GET', s.key .. ':p:' .. id)
  return packed and cmsgpack.unpack(packed)
end

-- Until when a purchase must be found: while a window counts it, and for retries.
local function needed(s, record)
  local p = record[1]
  local to = math.max(p[EXPIRES_AT], s.at) + keep
  if counted(p) == 0 then return to end
  to = math.max(to, record[3])
  for _, counter in ipairs(s.counters) do
    if counter[W_END] > to and selects(counter, p) then to = counter[W_END] end
  end
  return to
end

-- Lifetimes are relative, so that the clocks of Redis and of the caller need not agree.
local function save(s, record)
  local p = record[1]
  local key, packed = s.key .. ':p:' .. p[ID], cmsgpack.pack(record)
  if p[STATE] == 'reserved' and p[ON_EXPIRY] == 'reconcile' then
    redis.call('SET', key, packed)
    if indexed then redis.call('SET', tagged(p[ID]) .. ':s', s.name) end
    return
  end
  s.keep_to = math.max(s.keep_to, record[3])
  local ms = math.max(1, record[3] - s.at)
  redis.call('SET', key, packed, 'PX', ms)
  if indexed then redis.call('SET', tagged(p[ID]) .. ':s', s.name, 'PX', ms) end
end

-- An account that is not there is worked out again from the purchases.
local function rebuild(s)
  for _, id in ipairs(redis.call('ZRANGE', s.key .. ':i', 0, -1)) do
    s.known, s.dirty = true, true
    local record = load(s, id)
    if record then
      local p = record[1]
      s.keep_to = math.max(s.keep_to, record[3])
      if p[STATE] == 'reserved' and p[ON_EXPIRY] == 'reconcile' then s.pending = s.pending + 1
      elseif p[STATE] == 'reserved' then redis.call('ZADD', s.key .. ':h', p[EXPIRES_AT], id) end
    end
  end
end

-- The subject, after its holds that are over have ended: so no sweeper is needed.
local function open(name, at)
  local s = { name = name, key = tagged(name), at = at, expired = {}, counters = {} }
  s.keep_to, s.pending, opened = 0, 0, s.key
  local packed = redis.call('GET', s.key .. ':a')
  if packed then
    s.keep_to, s.pending, s.counters = unpack(cmsgpack.unpack(packed))
    s.known = true
  else
    rebuild(s)
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', s.key .. ':h', '-inf', at)) do
    local record = load(s, id)
    if record and record[1][STATE] == 'reserved' then
      local p = record[1]
      p[STATE] = 'expired'
      shift(s, p, -p[AMOUNT])
      record[3] = needed(s, record)
      save(s, record)
      s.expired[#s.expired + 1] = p
    end
    redis.call('ZREM', s.key .. ':h', id)
    s.dirty = true
  end
  return s
end

local function close(s)
  if not (s.known and s.dirty) then return end
  local counters = {}
  for _, counter in ipairs(s.counters) do
    if counter[W_END] > s.at then counters[#counters + 1] = counter end
  end
  local account, index = cmsgpack.pack({ s.keep_to, s.pending, counters }), s.key .. ':i'
  if s.pending > 0 then
    redis.call('SET', s.key .. ':a', account)
    redis.call('PERSIST', index)
  else
    local ms = math.max(1, s.keep_to - s.at)
    redis.call('SET', s.key .. ':a', account, 'PX', ms)
    redis.call('PEXPIRE', index, ms)
  end
end

local function sum(s, w)
  local total = 0
  local before = string.format('(%.0f', w[W_END])
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', s.key .. ':i', w[W_START], before)) do
    local record = load(s, id)
    if record and selects(w, record[1]) then
      local weight = counted(record[1])
      total = total + weight
      if weight > 0 and record[3] < w[W_END] then
        record[3] = w[W_END]
        save(s, record)
        s.dirty = true
      end
    end
  end
  return total
end

-- Usage of each window; a window without a counter is summed from the purchases, once.
local function usage(s, windows, always)
  local used = {}
  for n, w in ipairs(windows) do
    local counter = find(s.counters, w)
    if not counter then
      counter = { w[1], w[2], w[3], w[4], w[5], sum(s, w) }
      if #s.counters < MAX_COUNTERS or always then
        s.counters[#s.counters + 1] = counter
        s.dirty = true
      end
    end
    used[n] = counter[W_USED]
  end
  return used
end
`;
