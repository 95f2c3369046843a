import { FOREVER } from '@spendcap/core';
import { MAX_COUNTERS } from '../../../ledger/ledger.ts';
import { DUE_IN } from './overdue.ts';
import { type Script, scriptOf } from './script.ts';

const DAY_MS = 86_400_000;
/** The time that one hash of ended purchases covers. */
const PAGE_MS = 32 * DAY_MS;

/** Clients may round larger integers of a reply, so these cross as text. */
const MAX_INTEGER_REPLY = 9e15;

/** The fast path has a local variable for each window, because a Lua table takes longer. */
const FAST_WINDOWS = [1, 2, 3, 4, 5, 6, 7, 8];
const SUMS = FAST_WINDOWS.map((n) => `s${n}`).join(', ');
const forEachSum = (lines: (sum: string, n: number) => string): string =>
  FAST_WINDOWS.map((n) => lines(`s${n}`, n)).join('\n');

/**
 * The rules of `ledger/ledger.ts` in Lua 5.1, inside Redis. One call executes a batch of commands,
 * each atomically, because nothing interrupts a script.
 *
 * **Input.** `KEYS[1]` only selects the server. `ARGV`: the key prefix, `keepMs`, whether purchase
 * ids are indexed (`1` on one server, `0` on a cluster), the number of lists of windows, those
 * lists, each followed by a line with its caps; then four arguments per command: its numbers in
 * JSON (`encode.ts`), the subject and the purchase id, both as hash tags (`{name}`) or empty, and
 * the record of a new purchase.
 *
 * **Output.** One flat list, because nested lists are slow. A fast reserve adds the new usage of
 * each of its windows; a fast commit adds the subject and the record before the commit; any other
 * command adds one list: outcome, purchase, usage, expired purchases (`decode.ts`).
 *
 * **Keys.** All keys of a subject are in one hash slot.
 * - `{subject}`: a hash. Its fields `{ID}` are the open holds; `w` is the text of the windows that
 *   have a counter, one per line; `u` is packed doubles, see `TO` to `SUMS` below.
 * - `{subject}:PAGE`: a hash of the purchases that have ended, by the page (32 days) in which they
 *   were reserved. It is in pages so that old purchases leave without a sweeper.
 * - `{ID}:s`: the subject of a purchase.
 * - `overdue`: a sorted set of the open reconcile holds, by their end; `overdue:{PROCESSOR}`: those
 *   of one processor. On a cluster `overdue-lists.ts` keeps them.
 *
 * **A record** is the text that reserve brought:
 * `[amount,reservedAt,expiresAt,releases,currency,app,category,requestLength]`, with
 * `,processor,processorRef` before the bracket if there is a processor; a line feed, the request
 * and the basis. `attach` writes the reference there. Once something has happened to the purchase,
 * a line precedes it: `+[state,committed,refunded,restored,late,keepTo,refunds]`.
 *
 * **Invariants** after each command:
 * 1. Each purchase is in exactly one hash: the subject's while it is open, else its page. These
 *    hashes are the ledger; `w` and `u` are a cache that can be computed from them.
 * 2. A counter is the sum of `counted` over the purchases that its window selects.
 * 3. `NEXT` is at most the end of each open hold that expires automatically. It may be earlier.
 * 4. A purchase is needed until its `keepTo`, and until the end of each window with a counter that
 *    counts it. Its page and `{ID}:s` live at least that long, so its id is never free while it
 *    counts. `TO` is at least that of each purchase: the subject's key lives until `TO`, or without
 *    an end while it has reconcile holds.
 * 5. `LAST` is after each `reservedAt`; `FIRST_PAGE` is at most the page of each ended purchase.
 *
 * Lifetimes are relative to the caller's clock, so that Redis's own clock does not matter. Lua's
 * numbers are doubles, exact within the safe integers.
 */
export const LEDGER_SCRIPT: Script = scriptOf(String.raw`
local prefix, keep, indexed = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local OVERDUE, FOREVER, PAGE = prefix .. 'overdue', ${FOREVER}, ${PAGE_MS}
local MAX_SAFE, MAX_INTEGER_REPLY = ${Number.MAX_SAFE_INTEGER}, ${MAX_INTEGER_REPLY}
local MAX_COUNTERS = ${MAX_COUNTERS}
-- The numbers in u: until when the subject's key lives, when the first hold ends, after which
-- instant nothing was reserved, the open reconcile holds, the first page, a digest of w in two
-- numbers, and from SUMS on the usage of each window in w.
local TO, NEXT, LAST, PENDING, FIRST_PAGE, DIGEST, SUMS = 1, 2, 3, 4, 5, 6, 8
local call, pack, unpacked = redis.call, struct.pack, struct.unpack
local floor, format, match = math.floor, string.format, string.match

local replies, reply_count = {}, 0
local function reply_with(item)
  reply_count = reply_count + 1
  replies[reply_count] = item
end

local formats = {}
local function doubles(count)
  if not formats[count] then formats[count] = '<' .. ('d'):rep(count) end
  return formats[count]
end

-- 96 bits that identify a list of windows, so that it need not be read to be compared.
local function digest(windows)
  local hex = redis.sha1hex(windows)
  return tonumber(hex:sub(1, 12), 16), tonumber(hex:sub(13, 24), 16)
end

local function page_of(at)
  return floor(at / PAGE)
end

local function page_key(key, page)
  return key .. ':' .. format('%d', page)
end

local function overdue_of(processor)
  return OVERDUE .. ':{' .. processor .. '}'
end

-- The list of the processor of a record, if it has one.
local function own_list(body)
  local processor = cjson.decode(match(body, '^[^\n]+'))[9]
  return type(processor) == 'string' and overdue_of(processor)
end

-- Writes an ended purchase to its page, which then lives at least as many milliseconds.
local function write_page(key, id, text, ms)
  call('HSET', key, id, text)
  -- Somewhat longer, so that not every purchase has to extend it.
  if call('PTTL', key) < ms then call('PEXPIRE', key, ms + floor(ms / 256)) end
end

-- The lists of windows of this call, and of the one in use: its text, digest and caps.
local lists, list_in_use, windows, digest_a, digest_b, caps = {}
local function use_list(number)
  if number == list_in_use then return end
  list_in_use = number
  windows, digest_a, digest_b, caps = unpack(lists[number])
end

-- True if the subject has a purchase with this id, open or ended.
local function is_taken(key, id, first, last)
  if call('HEXISTS', key, id) == 1 then return true end
  for page = page_of(last), first, -1 do
    if call('HEXISTS', page_key(key, page), id) == 1 then return true end
  end
  return false
end

-- Fast path of reserve, for most purchases: the windows are those of the subject's last purchase
-- and ${FAST_WINDOWS.length} at most, there is room, and no hold has expired. Returns true if done;
-- else it has changed nothing and the slow path decides.
local function fast_reserve(c, tag, id, record)
  local size = #caps
  if size > ${FAST_WINDOWS.length} then return false end
  local key, at, amount, ends = prefix .. tag, c[2], c.amount, c.ends
  local packed = call('HGET', key, 'u')
  if not packed or #packed ~= 8 * (SUMS - 1 + size) then return false end
  local layout = doubles(SUMS - 1 + size)
  local to, next_end, last, pending, first, a, b,
    ${SUMS} = unpacked(layout, packed)
  if a ~= digest_a or b ~= digest_b or at >= next_end or c.needed_to > to then return false end
${forEachSum(
  (sum, n) => `  if size >= ${n} then
    ${sum} = ${sum} + amount
    if ${sum} > caps[${n}] or ${sum} > MAX_INTEGER_REPLY then return false end
  end`,
)}
  -- Claims the id for the subject. On a cluster that has happened, but the id may still be taken.
  -- A reconcile hold has no end that is known yet.
  local reconcile = c[1] == 'reconcile'
  if indexed then
    local name = prefix .. id .. ':s'
    if not (reconcile and call('SET', name, tag, 'NX')
      or not reconcile and call('SET', name, tag, 'PX', c.lifetime, 'NX')) then return false end
  elseif is_taken(key, id, first, last) then
    return false
  end
  if reconcile then
    pending = pending + 1
    if pending == 1 then call('PERSIST', key) end
  elseif ends < next_end then
    next_end = ends
  end
  if at >= last then last = at + 1 end
  packed = pack(layout, to, next_end, last, pending, first, a, b, ${SUMS})
  call('HSET', key, 'u', packed, id, record)
  if reconcile and indexed then
    local own = own_list(record)
    call('ZADD', OVERDUE, ends, id)
    if own then call('ZADD', own, ends, id) end
  end
  if size == 0 then reply_with({ 'fresh', {}, {}, {} }) end
${forEachSum((sum, n) => `  if size >= ${n} then replies[reply_count + ${n}] = ${sum} end`)}
  reply_count = reply_count + size
  return true
end

-- Fast path of commit: an open hold is committed in full, and no hold of the subject has expired.
-- No counter changes then, so only the purchase is moved. Its page lives until TO, by invariant 4
-- long enough; where that would be much too long, or too short because the commit comes long after
-- the end of the hold, the slow path computes the exact time. keepTo is earlier: {ID}:s lives until
-- then since reserve, or is written here. Returns true if done; else it has changed nothing.
local function fast_commit(c, tag, id)
  local at, charged, key = c[2], c[3], prefix .. tag
  local found = call('HMGET', key, 'u', id)
  local packed, record = found[1], found[2]
  if not packed or not record then return false end
  -- A hold has a first line once it has its reference, or a window that came later counts it.
  local kept_to, body = match(record, '^%+%["reserved",0,0,0,0,(%d+),{}%]\n(.*)$')
  body = body or record
  local amount, reserved_at, expires_at, releases = match(body, '^%[(%d+),(%d+),(%d+),([01]),')
  if not amount or (charged and charged ~= tonumber(amount)) then return false end
  local to, next_end, _, pending, first = unpacked('<ddddd', packed)
  local page, needed_to = floor(reserved_at / PAGE), math.max(expires_at, at) + keep
  if kept_to then needed_to = math.max(needed_to, kept_to) end
  if at >= next_end or page < first or to < needed_to
    or to > needed_to + (needed_to - at) / 128 then return false end
  local head = '+["committed",' .. amount .. ',0,0,0,' .. format('%d', needed_to) .. ',{}]\n'
  write_page(page_key(key, page), id, head .. body, to - at)
  call('HDEL', key, id)
  if releases == '0' then
    -- A reconcile hold is also in PENDING and in the lists. The subject's key had no end while it
    -- had one, nor had {ID}:s.
    pending = pending - 1
    call('HSET', key, 'u', packed:sub(1, 24) .. pack('<d', pending) .. packed:sub(33))
    if pending == 0 then call('PEXPIRE', key, to - at) end
    if indexed then
      local own = own_list(body)
      call('SET', prefix .. id .. ':s', tag, 'PX', to - at)
      call('ZREM', OVERDUE, id)
      if own then call('ZREM', own, id) end
    end
  end
  replies[reply_count + 1], replies[reply_count + 2] = tag, record
  reply_count = reply_count + 2
  return true
end

-- Everything else. Its functions are made when a command first needs them, since making them takes
-- as long as a command of the fast path.
local function slow_path()
  ${DUE_IN}
  local null, PLUS = cjson.null, 43
  local EMPTY_ACCOUNT = { 0, FOREVER, 0, 0 }
  local FRESH_HEAD = { 'reserved', 0, 0, 0, 0 }

  -- What a purchase takes from its windows.
  local function counted(p)
    if p.state == 'reserved' then return p.amount end
    return p.state == 'committed' and p.committed - p.restored or 0
  end

  local function parse(id, text, open)
    local body, cut, head = text, text:find('\n', 1, true), FRESH_HEAD
    if text:byte() == PLUS then
      head, body = cjson.decode(text:sub(2, cut - 1)), text:sub(cut + 1)
      cut = body:find('\n', 1, true)
    end
    local b = cjson.decode(body:sub(1, cut - 1))
    return {
      id = id, text = text, body = body, open = open,
      state = head[1], committed = head[2], refunded = head[3], restored = head[4], late = head[5],
      keep_to = head[6] or math.max(b[2], b[3]) + keep, refunds = head[7] or {},
      amount = b[1], reserved_at = b[2], expires_at = b[3], releases = b[4],
      currency = b[5], app = b[6], category = b[7],
      processor = b[9] or null, ref = b[10] or null,
    }
  end

  local function render(p)
    p.text = format('+["%s",%d,%d,%d,%d,%d,%s]\n', p.state, p.committed, p.refunded,
      p.restored, p.late, p.keep_to, cjson.encode(p.refunds)) .. p.body
    return p.text
  end

  -- The windows of a text, one per line. Most commands of a call have the same.
  local parsed_texts, parsed_lines = {}, {}
  local function windows_of(text)
    if parsed_texts[text] then return parsed_texts[text] end
    local list = {}
    for line in text:gmatch('[^\n]+') do
      if not parsed_lines[line] then
        local currency, app, categories, start, ends = unpack(cjson.decode(line))
        parsed_lines[line] = {
          text = line, currency = currency, app = app, categories = categories,
          start = start, ends = ends,
        }
      end
      list[#list + 1] = parsed_lines[line]
    end
    parsed_texts[text] = list
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

  -- Changes the weight of one purchase in every counter that counts it.
  local function change_weight(s, p, change)
    if change == 0 then return end
    for _, counter in ipairs(s.counters) do
      if selects(counter.window, p) then counter.used = counter.used + change end
    end
  end

  local function overflows(s, p, change)
    for _, counter in ipairs(s.counters) do
      if selects(counter.window, p) and counter.used + change > MAX_SAFE then return true end
    end
    return false
  end

  -- Writes {ID}:s, with the lifetime of the purchase.
  local function index(s, p)
    if not indexed then return end
    local key = prefix .. p.id .. ':s'
    if p.state == 'reserved' and p.releases == 0 then
      call('SET', key, s.tag)
    else
      call('SET', key, s.tag, 'PX', math.max(1, p.keep_to - s.at))
    end
  end

  -- Extends {ID}:s with a purchase that it may no longer be about: after its keepTo the id is free,
  -- and another purchase may have it while this one is still in its page.
  local function index_longer(s, p)
    if not indexed then return end
    local key, ms = prefix .. p.id .. ':s', math.max(1, p.keep_to - s.at)
    local owner = call('GET', key)
    if not owner then return call('SET', key, s.tag, 'PX', ms) end
    local left = call('PTTL', key)
    if owner == s.tag and left >= 0 and left < ms then call('PEXPIRE', key, ms) end
  end

  -- Keeps a purchase until an instant at least. True if it would have been kept for less.
  local function extend(s, p, to)
    s.keep_to = math.max(s.keep_to, to)
    if to <= p.keep_to then return false end
    p.keep_to = to
    return true
  end

  -- Until when a purchase must be found: for retries, and while a window counts it.
  local function needed_to(s, p)
    local to = math.max(p.expires_at, s.at) + keep
    if counted(p) == 0 then return to end
    for _, counter in ipairs(s.counters) do
      local w = counter.window
      if selects(w, p) and w.ends > to then to = w.ends end
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
    write_page(page_key(s.key, page), p.id, render(p), math.max(1, p.keep_to - s.at))
    if p.open then
      call('HDEL', s.key, p.id)
      p.open, s.first = false, math.min(s.first, page)
    end
  end

  -- The purchases in the subject's hash or in one of its pages.
  local function purchases_in(s, key)
    if not s.read[key] then
      local found, fields = {}, call('HGETALL', key)
      for n = 1, #fields, 2 do
        if fields[n] ~= 'w' and fields[n] ~= 'u' then
          found[#found + 1] = parse(fields[n], fields[n + 1], key == s.key)
        end
      end
      s.read[key] = found
    end
    return s.read[key]
  end

  local function find(s, id)
    local text = call('HGET', s.key, id)
    if text then return parse(id, text, true) end
    for page = page_of(s.last), s.first, -1 do
      text = call('HGET', page_key(s.key, page), id)
      if text then return parse(id, text, false) end
    end
    return nil
  end

  -- A subject as a command works on it: the account, and what the command has changed of it.
  local function open_subject(tag, at)
    local key = prefix .. tag
    local found, counters = call('HMGET', key, 'w', 'u'), {}
    local u = EMPTY_ACCOUNT
    if found[2] then
      u = { unpacked(doubles(#found[2] / 8), found[2]) }
      for n, w in ipairs(windows_of(found[1])) do
        counters[n] = { window = w, used = u[SUMS - 1 + n] }
      end
    end
    return {
      tag = tag, key = key, at = at, known = u ~= EMPTY_ACCOUNT, dirty = false,
      windows = found[1], counters = counters, expired = {}, read = {},
      to = u[TO], next = u[NEXT], last = u[LAST], pending = u[PENDING],
      first = u[FIRST_PAGE] or page_of(at), digest_a = u[DIGEST], digest_b = u[DIGEST + 1],
      -- As they were before, and until when the purchases of this command are needed.
      pending_before = u[PENDING], keep_to = 0,
    }
  end

  -- Expires the holds that have ended, so that no sweeper is needed.
  local function expire(s)
    if s.at < s.next then return end
    s.next, s.pending, s.dirty = FOREVER, 0, true
    for _, p in ipairs(purchases_in(s, s.key)) do
      if p.releases == 0 then
        s.pending = s.pending + 1
      elseif s.at < p.expires_at then
        s.next = math.min(s.next, p.expires_at)
      else
        change_weight(s, p, -p.amount)
        p.state = 'expired'
        if extend(s, p, needed_to(s, p)) then index_longer(s, p) end
        save(s, p)
        s.expired[#s.expired + 1] = p
      end
    end
    table.sort(s.expired, function(a, b) return a.expires_at < b.expires_at end)
  end

  -- Writes the account, without the windows that have ended.
  local function close_subject(s)
    if not (s.known and s.dirty) then return end
    local longer, texts, u = s.keep_to > s.to, {}, {}
    -- Somewhat longer than needed, so that not every purchase has to extend it.
    if longer then s.to = s.keep_to + floor((s.keep_to - s.at) / 256) end
    for _, counter in ipairs(s.counters) do
      if counter.window.ends > s.at then
        u[SUMS + #texts], texts[#texts + 1] = counter.used, counter.window.text
      end
    end
    local w = table.concat(texts, '\n')
    if w ~= s.windows then
      s.digest_a, s.digest_b = digest(w)
      call('HSET', s.key, 'w', w)
    end
    u[TO], u[NEXT], u[LAST], u[PENDING] = s.to, s.next, s.last, s.pending
    u[FIRST_PAGE], u[DIGEST], u[DIGEST + 1] = s.first, s.digest_a, s.digest_b
    local size = SUMS - 1 + #texts
    call('HSET', s.key, 'u', pack(doubles(size), unpack(u, 1, size)))
    if s.pending > 0 then
      if s.pending_before == 0 then call('PERSIST', s.key) end
    elseif longer or s.pending_before > 0 then
      call('PEXPIRE', s.key, math.max(1, s.to - s.at))
    end
  end

  -- The usage of a window without a counter. What it counts is kept until the window ends.
  local function sum(s, w)
    local total = 0
    -- Most new windows have just begun: nothing is in them yet.
    if w.start >= s.last then return total end
    local keys = { s.key }
    for page = math.max(s.first, page_of(w.start)), math.min(page_of(s.last), page_of(w.ends)) do
      keys[#keys + 1] = page_key(s.key, page)
    end
    for _, key in ipairs(keys) do
      for _, p in ipairs(purchases_in(s, key)) do
        local weight = selects(w, p) and counted(p) or 0
        total = total + weight
        if weight > 0 and extend(s, p, math.max(p.keep_to, w.ends)) then
          save(s, p)
          index_longer(s, p)
        end
      end
    end
    return total
  end

  -- The counter of each window in use; a window without one is summed from the purchases, once.
  local function counters_of(s)
    local known, list = {}, {}
    for _, counter in ipairs(s.counters) do known[counter.window] = counter end
    for n, w in ipairs(windows_of(windows)) do
      local counter = known[w]
      if not counter then
        counter = { window = w, used = sum(s, w) }
        known[w] = counter
        if counter.used <= MAX_SAFE and #s.counters < MAX_COUNTERS then
          s.counters[#s.counters + 1], s.dirty = counter, true
        end
      end
      list[n] = counter
    end
    return list
  end

  local function usage_of(counters, more)
    local used = {}
    for n, counter in ipairs(counters) do used[n] = counter.used + more end
    return used
  end

  -- Adds a purchase to the account, with lists of counters to keep, in their order. A window that
  -- counts too much to be exact has none.
  local function add(s, p, first, second)
    s.known, s.dirty, s.last = true, true, math.max(s.last, p.reserved_at + 1)
    local listed, ordered = {}, {}
    for _, list in ipairs({ first, second }) do
      for _, counter in ipairs(list) do
        if not listed[counter] and counter.used <= MAX_SAFE then
          ordered[#ordered + 1], listed[counter] = counter, true
        end
      end
    end
    s.counters = ordered
    change_weight(s, p, counted(p))
    extend(s, p, needed_to(s, p))
    index(s, p)
  end

  -- The lists of the open reconcile holds that have this one.
  local function overdue_lists(p)
    return p.processor == null and { OVERDUE } or { OVERDUE, overdue_of(p.processor) }
  end

  local function hold(s, p, counters)
    -- Its windows become the first ones, as the next purchase is likely to have them.
    add(s, p, counters, s.counters)
    call('HSET', s.key, p.id, p.text)
    if p.releases == 1 then
      s.next = math.min(s.next, p.expires_at)
      return
    end
    s.pending = s.pending + 1
    if not indexed then return end
    for _, list in ipairs(overdue_lists(p)) do call('ZADD', list, p.expires_at, p.id) end
  end

  -- Writes a purchase's next state, and its new weight in the counters that count it.
  local function change(s, p, edits)
    local before, was_open = counted(p), p.state == 'reserved'
    local difference = counted(setmetatable(edits, { __index = p })) - before
    if overflows(s, p, difference) then return { 'unsafe' } end
    for field, value in pairs(edits) do p[field] = value end
    local longer = extend(s, p, needed_to(s, p))
    if was_open and p.state ~= 'reserved' and p.releases == 0 then
      s.pending, longer = s.pending - 1, true
      for _, list in ipairs(indexed and overdue_lists(p) or {}) do call('ZREM', list, p.id) end
    end
    if longer then index(s, p) end
    save(s, p)
    change_weight(s, p, difference)
    return { 'changed', p }
  end

  -- A refund as text, in which all integers are exact: amount, restored, whether it was reversed.
  -- An amount of -1: its reversal came first.
  local function refund_text(amount, restored, reversed)
    return format('[%d,%d,%d]', amount, restored, reversed)
  end

  -- The verbs in the order of ledger.ts. Each returns an outcome, a purchase and the usage.
  local verbs = {}

  function verbs.reserve(s, id, record)
    local owner = indexed and call('GET', prefix .. id .. ':s')
    if owner and owner ~= s.tag then return { 'conflict' } end
    local counters = counters_of(s)
    -- An indexed purchase has an owner.
    local before = (owner or not indexed) and find(s, id)
    if before then return { 'replayed', before, usage_of(counters, 0) } end
    local p = parse(id, record, true)
    for n, counter in ipairs(counters) do
      if counter.used + p.amount > caps[n] then return { 'refused', nil, usage_of(counters, 0) } end
    end
    if overflows(s, p, p.amount) then return { 'unsafe' } end
    local used = usage_of(counters, p.amount)
    hold(s, p, counters)
    return { 'fresh', nil, used }
  end
  verbs.reserve_slow, verbs.reconcile, verbs.reconcile_slow =
    verbs.reserve, verbs.reserve, verbs.reserve

  function verbs.commit(s, p, amount)
    local charged = amount or p.amount
    if p.state == 'committed' then
      return { p.committed == charged and 'unchanged' or 'ended', p }
    end
    local late = p.state ~= 'reserved' and 1 or 0
    return change(s, p, { state = 'committed', committed = charged, late = late })
  end

  -- Money without a hold. A purchase that is known is committed, unless it is certainly another.
  function verbs.record(s, id, text)
    local owner = indexed and call('GET', prefix .. id .. ':s')
    if owner and owner ~= s.tag then return { 'conflict' } end
    local p = parse(id, text, false)
    local before = (owner or not indexed) and find(s, id)
    if before then
      local both_named = before.processor ~= null and p.processor ~= null
      if before.currency ~= p.currency or (both_named and before.processor ~= p.processor) then
        return { 'conflict' }
      end
      return verbs.commit(s, before, p.amount)
    end
    local counters = counters_of(s)
    if overflows(s, p, p.amount) then return { 'unsafe' } end
    p.state, p.committed, p.late = 'committed', p.amount, 1
    s.first = math.min(s.first, page_of(p.reserved_at))
    add(s, p, s.counters, counters)
    save(s, p)
    return { 'changed', p }
  end

  function verbs.attach(s, p, processor, ref)
    if p.processor ~= processor or (p.ref ~= null and p.ref ~= ref) then
      return { 'conflict', p }
    end
    if p.ref ~= null then return { 'unchanged', p } end
    -- The reference is the last value of the first line, until now null.
    local line, rest = match(p.body, '^(.-)null%](\n.*)$')
    return change(s, p, { ref = ref, body = line .. cjson.encode(ref) .. ']' .. rest })
  end

  function verbs.release(s, p)
    if p.state == 'committed' then return { 'ended', p } end
    if p.state ~= 'reserved' then return { 'unchanged', p } end
    return change(s, p, { state = 'released' })
  end

  function verbs.refund(s, p, id, requested, restores, total)
    local amount, given_back, reversed = 0, 0
    if p.refunds[id] then
      amount, given_back, reversed = unpack(cjson.decode(p.refunds[id]))
      if not total or reversed == 1 or total <= amount then
        local agrees = not requested or amount < 0 or amount == requested
        return { agrees and 'unchanged' or 'conflict', p }
      end
    end
    if p.state ~= 'committed' then return { 'not_committed', p } end
    local left = p.committed - p.refunded
    local added = total and total - amount or requested or left
    if added > left or added == 0 then return { 'exceeds', p } end
    local restored = restores and added or 0
    p.refunds[id] = refund_text(amount + added, given_back + restored, 0)
    return change(s, p, { refunded = p.refunded + added, restored = p.restored + restored })
  end

  function verbs.reverseRefund(s, p, id)
    if not p.refunds[id] then
      -- Its refund may still arrive, and must then change nothing.
      p.refunds[id] = refund_text(-1, 0, 1)
      save(s, p)
      return { 'unchanged', p }
    end
    local amount, restored, reversed = unpack(cjson.decode(p.refunds[id]))
    if reversed == 1 then return { 'unchanged', p } end
    p.refunds[id] = refund_text(amount, restored, 1)
    return change(s, p, { refunded = p.refunded - amount, restored = p.restored - restored })
  end

  function verbs.get(_, p)
    return { 'read', p }
  end

  function verbs.usage(s)
    return { 'read', nil, usage_of(counters_of(s), 0) }
  end

  -- A purchase in a reply: subject, id and record; empty if there is none.
  local function shown(tag, p)
    return p and { tag, p.id, p.text } or {}
  end

  local function overdue(at, limit, processor, after_end, after_id)
    local key, found = processor and overdue_of(processor) or OVERDUE, {}
    local due = due_in(key, at, limit, after_end, after_id)
    for n = 1, #due, 2 do
      local id = due[n]
      local tag = call('GET', prefix .. id .. ':s')
      local text = tag and call('HGET', prefix .. tag, id)
      if text then found[#found + 1] = { tag, id, text } end
    end
    return { 'read', {}, {}, found }
  end

  -- The subject whose command is being executed.
  local subject_in_use

  local function execute_verb(c, tag, id, record)
    local verb, at = c[1], c[2]
    if verb == 'overdue' then return overdue(at, c[3], c[4], c[5], c[6]) end
    if not tag then return { 'not_found', {}, {}, {} } end
    local s = open_subject(tag, at)
    -- Reads one purchase as it is: no hold expires.
    if verb == 'peek' then return { 'read', shown(tag, find(s, id)), {}, {} } end
    subject_in_use = s
    expire(s)
    local reply
    if record ~= '' or verb == 'usage' then
      reply = verbs[verb](s, id, record)
    else
      local p = find(s, id)
      reply = p and verbs[verb](s, p, c[3], c[4], c[5], c[6]) or { 'not_found' }
    end
    close_subject(s)
    subject_in_use = nil
    local used, expired = reply[3] or {}, {}
    for n, total in ipairs(used) do
      if total > MAX_INTEGER_REPLY then used[n] = format('%d', total) end
    end
    for n, p in ipairs(s.expired) do expired[n] = shown(tag, p) end
    return { reply[1], shown(tag, reply[2]), used, expired }
  end

  -- After a command that failed midway its subject's counters may be wrong: without windows they
  -- are computed again, and with NEXT = 0 so is what depends on the open holds.
  local function drop_counters()
    local s = subject_in_use
    if not (s and s.known) then return end
    subject_in_use = nil
    local u = { s.to, 0, s.last, s.pending, s.first, digest('') }
    redis.pcall('HSET', s.key, 'w', '', 'u', pack(doubles(#u), unpack(u)))
  end

  return execute_verb, drop_counters
end

local execute_verb, drop_counters
-- Purchases of one instant and price have the same numbers.
local decoded = {}
local function execute(numbers, tag, id, record)
  local c = decoded[numbers]
  if not c then
    c = cjson.decode(numbers)
    if record ~= '' or c[1] == 'usage' then c.list = table.remove(c) end
    if record ~= '' then
      c.amount, c.ends, c.needed_to = c[3], c[2] + c[4], c[2] + c[5]
      c.lifetime = format('%d', c[5])
    end
    decoded[numbers] = c
  end
  local verb = c[1]
  if c.list then use_list(c.list) end
  if (verb == 'reserve' or verb == 'reconcile') and fast_reserve(c, tag, id, record) then return end
  if tag == '' and id ~= '' then tag = call('GET', prefix .. id .. ':s') end
  if verb == 'commit' and tag and fast_commit(c, tag, id) then return end
  if not execute_verb then execute_verb, drop_counters = slow_path() end
  reply_with(execute_verb(c, tag, id, record))
end

local args = ARGV
local first_command = 5 + args[4]
for n = 5, first_command - 1 do
  local text, limits = args[n]:match('^(.*)\n(.*)$')
  local a, b = digest(text)
  lists[#lists + 1] = { text, a, b, cjson.decode(limits) }
end
local next_command = first_command
local function execute_rest()
  while next_command < #args do
    local n = next_command
    execute(args[n], args[n + 1], args[n + 2], args[n + 3])
    next_command = n + 4
  end
end
-- A command that fails does not fail the others.
while next_command < #args do
  local ok, failure = pcall(execute_rest)
  if not ok then
    if drop_counters then drop_counters() end
    reply_with({ 'error', type(failure) == 'table' and failure.err or tostring(failure) })
    next_command = next_command + 4
  end
end
return replies
`);
