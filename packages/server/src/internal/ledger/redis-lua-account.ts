/**
 * What the verbs of the ledger are made of in Lua 5.1, inside Redis. Nothing of this is made before a
 * command needs more than `redis-lua.ts` can do by itself.
 *
 * A record is the text that the reserve brought, `[amount,reservedAt,expiresAt,...]` and two opaque
 * texts, as long as nothing has happened to it; later a line stands before that: state, committed,
 * refunded, restored, late, until when it is kept, refunds. Open holds lie in the subject's own hash,
 * what has ended in one hash for each `PAGE` of time, by the instant of the reservation.
 *
 * Lua's numbers are doubles, exact within the safe integers.
 */
export const ACCOUNT_LUA = `
local MAX_COUNTERS, MAX_SAFE, null = 100, 9007199254740991, cjson.null

local function counted(p)
  if p.state == 'reserved' then return p.amount end
  return p.state == 'committed' and p.committed - p.restored or 0
end

local function parse(id, text, open)
  local p = { id = id, body = text, open = open }
  p.state, p.committed, p.refunded, p.restored, p.late, p.refunds = 'reserved', 0, 0, 0, 0, '{}'
  local known
  if text:byte() ~= 91 then
    local _, last, state, numbers, refunds = text:find('^(%l+) ([%d ]+) ([^\\n]*)\\n')
    p.state, p.refunds, p.body = state, refunds, text:sub(last + 1)
    p.committed, p.refunded, p.restored, p.late, known = unpack(cjson.decode(
      '[' .. numbers:gsub(' ', ',') .. ']'))
  end
  p.amount, p.reserved_at, p.expires_at, p.releases, p.currency, p.app, p.category = unpack(
    cjson.decode(p.body:match('^[^\\n]*')))
  p.keep_to = known or math.max(p.expires_at, p.reserved_at) + keep
  return p
end

local function render(p)
  return string.format('%s %.0f %.0f %.0f %d %.0f %s\\n', p.state, p.committed, p.refunded,
    p.restored, p.late, p.keep_to, p.refunds) .. p.body
end

-- The selector and the bounds of a counter.
local function bounds(c)
  if not c.ends then
    c.currency, c.app, c.categories, c.start, c.ends = unpack(cjson.decode(c.text))
  end
  return c
end

local function selects(c, p)
  bounds(c)
  if p.reserved_at < c.start or p.reserved_at >= c.ends then return false end
  if c.currency ~= p.currency or (c.app ~= null and c.app ~= p.app) then return false end
  if c.categories == null then return true end
  for _, category in ipairs(c.categories) do
    if category == p.category then return true end
  end
  return false
end

local function shift(s, p, change)
  if change == 0 then return end
  for _, c in ipairs(s.counters) do
    if selects(c, p) then c.used = c.used + change end
  end
end

local function overflows(s, p, change)
  for _, c in ipairs(s.counters) do
    if selects(c, p) and c.used + change > MAX_SAFE then return true end
  end
  return false
end

-- Life times are relative, so that the clocks of Redis and of the caller need not agree.
local function route(s, p)
  if not indexed then return end
  local key = prefix .. p.id .. ':s'
  if p.state == 'reserved' and p.releases == 0 then
    call('SET', key, s.tag)
  else
    call('SET', key, s.tag, 'PX', math.max(1, p.keep_to - s.at))
  end
end

-- Until when a purchase must be found: while a window counts it, and for retries.
local function extend(s, p, to)
  s.keep_to = math.max(s.keep_to, to)
  if to <= p.keep_to then return false end
  p.keep_to = to
  return true
end

local function needed(s, p)
  local to = math.max(p.expires_at, s.at) + keep
  if counted(p) == 0 then return to end
  for _, c in ipairs(s.counters) do
    if selects(c, p) and c.ends > to then to = c.ends end
  end
  return to
end

local function save(s, p)
  s.dirty = true
  if p.state == 'reserved' then
    call('HSET', s.key, p.id, render(p))
    return
  end
  local page = page_of(p.reserved_at)
  local key, ms = page_key(s.key, page), math.max(1, p.keep_to - s.at)
  call('HSET', key, p.id, render(p))
  -- GT takes a key without an end for one that lasts for ever: a new one needs the plain command.
  if call('PEXPIRE', key, ms, 'GT') == 0 and call('PTTL', key) < 0 then
    call('PEXPIRE', key, ms)
  end
  if p.open then
    call('HDEL', s.key, p.id)
    p.open, s.first = false, math.min(s.first, page)
  end
end

local function list(s, key)
  if not s.lists[key] then
    local found, all = {}, call('HGETALL', key)
    for n = 1, #all, 2 do
      if all[n] ~= 'w' and all[n] ~= 'u' then
        found[#found + 1] = parse(all[n], all[n + 1], key == s.key)
      end
    end
    s.lists[key] = found
  end
  return s.lists[key]
end

local function find(s, id)
  local text = call('HGET', s.key, id)
  if text then return parse(id, text, true) end
  for page = page_of(s.last), s.first, -1 do
    text = call('HGET', page_key(s.key, page), id)
    if text then return parse(id, text, false) end
  end
end

local function read(tag, at)
  local s = { tag = tag, key = prefix .. tag, at = at, expired = {}, counters = {}, lists = {} }
  s.keep_to, s.to, s.next, s.last, s.pending, s.first = 0, 0, FOREVER, 0, 0, page_of(at)
  local got = call('HMGET', s.key, 'w', 'u')
  if got[2] then
    local u = { unpacked(doubles(#got[2] / 8), got[2]) }
    s.known, s.to, s.next, s.last, s.pending, s.first = true, unpack(u, 1, FIRST_PAGE)
    for text in got[1]:gmatch('[^\\n]+') do
      s.counters[#s.counters + 1] = { text = text, used = u[SUMS + #s.counters] }
    end
  end
  s.waited = s.pending
  return s
end

-- Ends the holds that are over: so no sweeper is needed.
local function expire(s)
  if s.at < s.next then return end
  s.next, s.pending, s.dirty = FOREVER, 0, true
  for _, p in ipairs(list(s, s.key)) do
    if p.releases == 0 then
      s.pending = s.pending + 1
    elseif s.at < p.expires_at then
      s.next = math.min(s.next, p.expires_at)
    else
      shift(s, p, -p.amount)
      p.state = 'expired'
      if extend(s, p, needed(s, p)) then route(s, p) end
      save(s, p)
      s.expired[#s.expired + 1] = p
    end
  end
  table.sort(s.expired, function(a, b) return a.expires_at < b.expires_at end)
end

local function close(s)
  if not (s.known and s.dirty) then return end
  local texts, sums = {}, {}
  for _, c in ipairs(s.counters) do
    if bounds(c).ends > s.at then
      texts[#texts + 1], sums[#sums + 1] = c.text, c.used
    end
  end
  local longer, w = s.keep_to > s.to, table.concat(texts, '\\n')
  -- Some more than is needed, so that not every purchase has to ask for more.
  if longer then s.to = s.keep_to + math.floor((s.keep_to - s.at) / 256) end
  local u = { s.to, s.next, s.last, s.pending, s.first, mark(w) }
  for _, sum in ipairs(sums) do u[#u + 1] = sum end
  call('HSET', s.key, 'w', w, 'u', pack(doubles(#u), unpack(u)))
  if s.pending > 0 then
    if s.waited == 0 then call('PERSIST', s.key) end
  elseif longer or s.waited > 0 then
    call('PEXPIRE', s.key, math.max(1, s.to - s.at))
  end
end

local function sum(s, c)
  local total = 0
  -- Most windows are new because their time has come: nothing is in them yet.
  if bounds(c).start >= s.last then return total end
  local keys = { s.key }
  for page = math.max(s.first, page_of(c.start)), math.min(page_of(s.last), page_of(c.ends)) do
    keys[#keys + 1] = page_key(s.key, page)
  end
  for _, key in ipairs(keys) do
    for _, p in ipairs(list(s, key)) do
      local weight = selects(c, p) and counted(p) or 0
      total = total + weight
      if weight > 0 and extend(s, p, math.max(p.keep_to, c.ends)) then
        save(s, p)
        route(s, p)
      end
    end
  end
  return total
end

-- The counter of each window; a window without one is summed from the purchases, once.
local function usage(s, windows, always)
  local known, asked = {}, {}
  for _, c in ipairs(s.counters) do known[c.text] = c end
  for text in windows:gmatch('[^\\n]+') do
    local c = known[text]
    if not c then
      c = { text = text }
      c.used = sum(s, c)
      if c.used <= MAX_SAFE and (#s.counters < MAX_COUNTERS or always) then
        s.counters[#s.counters + 1], s.dirty = c, true
      end
    end
    asked[#asked + 1] = c
  end
  return asked
end
`;
