/**
 * What the verbs of the ledger are made of in Lua 5.1, inside Redis. Nothing of this is made before a
 * command needs more than `redis-lua.ts` can do by itself.
 *
 * A record is the text that the reserve brought, `[amount,reservedAt,expiresAt,...]` and two opaque
 * texts, as long as nothing has happened to it; later a line stands before that, a plus and in JSON:
 * state, committed, refunded, restored, late, until when it is kept, refunds. Open holds lie in the subject's own hash,
 * what has ended in one hash for each `PAGE` of time, by the instant of the reservation.
 *
 * Lua's numbers are doubles, exact within the safe integers.
 */
export const ACCOUNT_LUA = `
local MAX_COUNTERS, MAX_SAFE, null, HEAD = 100, 9007199254740991, cjson.null, 43
-- Of a subject without purchases.
local NOTHING = { 0, FOREVER, 0, 0 }
local FRESH = { 'reserved', 0, 0, 0, 0 }

local function counted(p)
  if p.state == 'reserved' then return p.amount end
  return p.state == 'committed' and p.committed - p.restored or 0
end

local function parse(id, text, open)
  local body, cut, head = text, text:find('\\n', 1, true), FRESH
  if text:byte() == HEAD then
    head, body = cjson.decode(text:sub(2, cut - 1)), text:sub(cut + 1)
    cut = body:find('\\n', 1, true)
  end
  local b = cjson.decode(body:sub(1, cut - 1))
  return {
    id = id, text = text, body = body, open = open,
    state = head[1], committed = head[2], refunded = head[3], restored = head[4], late = head[5],
    keep_to = head[6] or math.max(b[2], b[3]) + keep, refunds = head[7] or {},
    amount = b[1], reserved_at = b[2], expires_at = b[3], releases = b[4],
    currency = b[5], app = b[6], category = b[7],
  }
end

local function render(p)
  p.text = string.format('+["%s",%d,%d,%d,%d,%d,%s]\\n', p.state, p.committed, p.refunded,
    p.restored, p.late, p.keep_to, cjson.encode(p.refunds)) .. p.body
  return p.text
end

-- The windows of a text, a line each. Most commands of a call have the same.
local split, all = {}, {}
local function windows_of(text)
  if split[text] then return split[text] end
  local list = {}
  for line in text:gmatch('[^\\n]+') do
    if not all[line] then
      local currency, app, categories, start, ends = unpack(cjson.decode(line))
      all[line] = {
        text = line, currency = currency, app = app, categories = categories,
        start = start, ends = ends,
      }
    end
    list[#list + 1] = all[line]
  end
  split[text] = list
  return list
end

local function selects(w, p)
  if p.reserved_at < w.start or p.reserved_at >= w.ends then return false end
  if w.currency ~= p.currency or (w.app ~= null and w.app ~= p.app) then return false end
  if w.categories == null then return true end
  for _, category in ipairs(w.categories) do
    if category == p.category then return true end
  end
  return false
end

local function shift(s, p, change)
  if change == 0 then return end
  for _, c in ipairs(s.counters) do
    if selects(c.window, p) then c.used = c.used + change end
  end
end

local function overflows(s, p, change)
  for _, c in ipairs(s.counters) do
    if selects(c.window, p) and c.used + change > MAX_SAFE then return true end
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
    if selects(c.window, p) and c.window.ends > to then to = c.window.ends end
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
  local key = prefix .. tag
  local got, counters = call('HMGET', key, 'w', 'u'), {}
  local u = NOTHING
  if got[2] then
    u = { unpacked(doubles(#got[2] / 8), got[2]) }
    for n, w in ipairs(windows_of(got[1])) do
      counters[n] = { window = w, used = u[SUMS - 1 + n] }
    end
  end
  return {
    tag = tag, key = key, at = at, known = u ~= NOTHING, dirty = false,
    windows = got[1], counters = counters, expired = {}, lists = {},
    to = u[TO], next = u[NEXT], last = u[LAST], pending = u[PENDING],
    first = u[FIRST_PAGE] or page_of(at), mark_a = u[MARK], mark_b = u[MARK + 1],
    -- What was before, and until when the purchases of this command are needed.
    waited = u[PENDING], keep_to = 0,
  }
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
  local longer, texts, u = s.keep_to > s.to, {}, {}
  -- Some more than is needed, so that not every purchase has to ask for more.
  if longer then s.to = s.keep_to + math.floor((s.keep_to - s.at) / 256) end
  for _, c in ipairs(s.counters) do
    if c.window.ends > s.at then
      u[SUMS + #texts], texts[#texts + 1] = c.used, c.window.text
    end
  end
  local w = table.concat(texts, '\\n')
  if w ~= s.windows then
    s.mark_a, s.mark_b = mark(w)
    call('HSET', s.key, 'w', w)
  end
  u[TO], u[NEXT], u[LAST], u[PENDING] = s.to, s.next, s.last, s.pending
  u[FIRST_PAGE], u[MARK], u[MARK + 1] = s.first, s.mark_a, s.mark_b
  local count = SUMS - 1 + #texts
  call('HSET', s.key, 'u', pack(doubles(count), unpack(u, 1, count)))
  if s.pending > 0 then
    if s.waited == 0 then call('PERSIST', s.key) end
  elseif longer or s.waited > 0 then
    call('PEXPIRE', s.key, math.max(1, s.to - s.at))
  end
end

local function sum(s, w)
  local total = 0
  -- Most windows are new because their time has come: nothing is in them yet.
  if w.start >= s.last then return total end
  local keys = { s.key }
  for page = math.max(s.first, page_of(w.start)), math.min(page_of(s.last), page_of(w.ends)) do
    keys[#keys + 1] = page_key(s.key, page)
  end
  for _, key in ipairs(keys) do
    for _, p in ipairs(list(s, key)) do
      local weight = selects(w, p) and counted(p) or 0
      total = total + weight
      if weight > 0 and extend(s, p, math.max(p.keep_to, w.ends)) then
        save(s, p)
        route(s, p)
      end
    end
  end
  return total
end

-- The counter of each window; a window without one is summed from the purchases, once.
local function usage(s)
  local known, asked = {}, {}
  for _, c in ipairs(s.counters) do known[c.window] = c end
  for n, w in ipairs(windows_of(windows)) do
    local c = known[w]
    if not c then
      c = { window = w, used = sum(s, w) }
      known[w] = c
      if c.used <= MAX_SAFE and #s.counters < MAX_COUNTERS then
        s.counters[#s.counters + 1], s.dirty = c, true
      end
    end
    asked[n] = c
  end
  return asked
end
`;
