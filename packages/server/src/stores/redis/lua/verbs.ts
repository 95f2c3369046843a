/** The verbs of `ledger.ts` in Lua, in its order, on what `redis-lua-account.ts` has. */
export const VERBS_LUA = `
local function hold(s, p, asked)
  s.known, s.dirty, s.last = true, true, math.max(s.last, p.reserved_at + 1)
  -- The windows of this purchase stand first, as the next one is likely to have them.
  local first, others = {}, {}
  for _, c in ipairs(asked) do first[c] = true end
  for _, c in ipairs(s.counters) do
    if not first[c] then others[#others + 1] = c end
  end
  s.counters = {}
  for _, c in ipairs(asked) do
    if first[c] then s.counters[#s.counters + 1], first[c] = c, false end
  end
  for _, c in ipairs(others) do s.counters[#s.counters + 1] = c end
  shift(s, p, p.amount)
  extend(s, p, needed(s, p))
  route(s, p)
  call('HSET', s.key, p.id, p.text)
  if p.releases == 1 then
    s.next = math.min(s.next, p.expires_at)
  else
    s.pending = s.pending + 1
    if indexed then call('ZADD', OVERDUE, p.expires_at, p.id) end
  end
end

local function used(asked, more)
  local sums = {}
  for n, c in ipairs(asked) do sums[n] = c.used + (more or 0) end
  return sums
end

local verbs = {}

function verbs.reserve(s, id, record)
  local owner = indexed and call('GET', prefix .. id .. ':s')
  if owner and owner ~= s.tag then return { 'conflict' } end
  local asked = usage(s)
  -- Without an owner, one that is indexed cannot be there.
  local before = (owner or not indexed) and find(s, id)
  if before then return { 'held', before, true, used(asked) } end
  local p = parse(id, record, true)
  for n, counter in ipairs(asked) do
    if counter.used + p.amount > caps[n] then return { 'refused', nil, false, used(asked) } end
  end
  if overflows(s, p, p.amount) then return { 'unsafe' } end
  local sums = used(asked, p.amount)
  hold(s, p, asked)
  return { 'held', nil, false, sums }
end

function verbs.usage(s)
  return { 'done', nil, false, used(usage(s)) }
end

-- Writes a purchase's next state and what that changes in the windows that count it.
local function change(s, p, edits)
  local before, was_open = counted(p), p.state == 'reserved'
  local after = setmetatable(edits, { __index = p })
  local difference = counted(after) - before
  if overflows(s, p, difference) then return { 'unsafe' } end
  for field, value in pairs(edits) do p[field] = value end
  local longer = extend(s, p, needed(s, p))
  if was_open and p.releases == 0 then
    s.pending, longer = s.pending - 1, true
    if indexed then call('ZREM', OVERDUE, p.id) end
  end
  if longer then route(s, p) end
  save(s, p)
  shift(s, p, difference)
  return { 'done', p, true }
end

function verbs.commit(s, p, amount)
  local charged = amount or p.amount
  if p.state == 'committed' then
    return { p.committed == charged and 'done' or 'ended', p }
  end
  local late = p.state ~= 'reserved' and 1 or 0
  return change(s, p, { state = 'committed', committed = charged, late = late })
end

function verbs.release(s, p)
  if p.state == 'committed' then return { 'ended', p } end
  if p.state ~= 'reserved' then return { 'done', p } end
  return change(s, p, { state = 'released' })
end

-- A refund is kept as text, in which all integers are exact: amount, restored, if it was reversed.
local function refund_text(amount, restored, reversed)
  return string.format('[%d,%d,%d]', amount, restored, reversed)
end

function verbs.refund(s, p, id, asked, restores)
  if p.refunds[id] then
    local amount = cjson.decode(p.refunds[id])[1]
    -- Less than nothing: its reversal came first, and no one knows its amount.
    local agrees = not asked or amount < 0 or amount == asked
    return { agrees and 'done' or 'conflict', p }
  end
  if p.state ~= 'committed' then return { 'not_committed', p } end
  local left = p.committed - p.refunded
  local amount = asked or left
  if amount > left or amount == 0 then return { 'exceeds', p } end
  local restored = restores and amount or 0
  p.refunds[id] = refund_text(amount, restored, 0)
  return change(s, p, { refunded = p.refunded + amount, restored = p.restored + restored })
end

function verbs.reverseRefund(s, p, id)
  if not p.refunds[id] then
    -- Its refund has yet to be told of, and must then change nothing.
    p.refunds[id] = refund_text(-1, 0, 1)
    save(s, p)
    return { 'done', p }
  end
  local amount, restored, reversed = unpack(cjson.decode(p.refunds[id]))
  if reversed == 1 then return { 'done', p } end
  p.refunds[id] = refund_text(amount, restored, 1)
  return change(s, p, { refunded = p.refunded - amount, restored = p.restored - restored })
end

function verbs.get(_, p)
  return { 'done', p }
end

-- A purchase as it crosses: whose, which, and its record.
local function shown(s, p)
  return p and { s.tag, p.id, p.text } or {}
end

-- Clients round the largest integers of a reply by one, so those cross as text.
local function exact(sums)
  for n, sum in ipairs(sums) do
    if sum > 9e15 then sums[n] = string.format('%d', sum) end
  end
  return sums
end

local function overdue(at, limit)
  local found = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', OVERDUE, '-inf', at, 'LIMIT', 0, limit)) do
    local tag = call('GET', prefix .. id .. ':s')
    local text = tag and call('HGET', prefix .. tag, id)
    if text then found[#found + 1] = shown({ tag = tag }, parse(id, text, true)) end
  end
  return { 'done', 0, {}, {}, found }
end

local opened
verbs.plain, verbs.reconcile = verbs.reserve, verbs.reserve

local function run(c, tag, id, record)
  local verb, at = c[1], c[2]
  if verb == 'overdue' then return overdue(at, c[3]) end
  if tag == '' then tag = call('GET', prefix .. id .. ':s') end
  if not tag then return { 'not_found', 0, {}, {}, {} } end
  local s, reply = read(tag, at), nil
  if verb == 'peek' then return { 'done', 0, shown(s, find(s, id)), {}, {} } end
  opened = s
  expire(s)
  if record ~= '' or verb == 'usage' then
    reply = verbs[verb](s, id, record)
  else
    local p = find(s, id)
    reply = p and verbs[verb](s, p, c[3], c[4], c[5]) or { 'not_found' }
  end
  close(s)
  opened = nil
  for n, p in ipairs(s.expired) do s.expired[n] = shown(s, p) end
  return { reply[1], reply[3] and 1 or 0, shown(s, reply[2]), exact(reply[4] or {}), s.expired }
end

-- After a failure in its midst, whatever had begun to be counted is worked out again.
local function forget()
  if not (opened and opened.known) then return end
  local s = opened
  opened = nil
  local u = { s.to, 0, s.last, s.pending, s.first, mark('') }
  redis.pcall('HSET', s.key, 'w', '', 'u', pack(doubles(#u), unpack(u)))
end

return run, forget
`;
