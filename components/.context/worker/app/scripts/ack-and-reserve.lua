#!lua
-- Settles what ended and takes what there is, in one round trip for all slots of a process. See queue/README.md.
-- ARGV: session, number, how many to take, 1 if nothing else is in hand, lease in ms, most dead (or empty), what the worker says of itself (or empty),
-- how many of the rest are done; for each of those: id, member of leases, line; then for each other one: id, member, line, when it may be taken
-- again (ms from now, or "dead"), log (or empty). A done one's log comes as one that is "kept".
-- Answers {what next, wait in ms, now, stale members, first id, {payloads that are given for the first time}, id, failures, losses, payload, ...}.
local call, ARGV, format, unpack = redis.call, ARGV, string.format, unpack -- locals are found faster
local list, batch, leases, delayed, suspects = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local items, results, dead, logs, workers = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local session, number, want, idle = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local lease, mostDead = tonumber(ARGV[5]), tonumber(ARGV[6])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = function(n) return format('%d', n) end
local lane = session .. '#' .. number % 2
local ticket = ':' .. session .. '.' .. text(number)

-- How an item stands: attempts that failed and that were lost, from the lines on top of its record.
local function standing(record)
  local top, failures, losses = record:match('^(%l)[^\n]*\n(%d+) (%d+) ')
  if top then return failures + ((top == 'f' or top == 't') and 1 or 0), losses + (top == 'l' and 1 or 0) end
  if record:sub(1, 2) == 'q\n' then
    local _, before = standing(record:sub(3))
    return 0, math.min(1, before)
  end
  failures, losses = record:match('^(%d+) (%d+) ')
  return tonumber(failures or 0), tonumber(losses or 0)
end

local function payload(record)
  if record:sub(1, 1) == '\n' then return record:sub(2) end
  return record:sub(select(2, record:find('\n\n', 1, true)) + 1)
end

-- Nothing is said twice: the same number again gets the same answer, as far as it still holds; a lower one is a copy that was stuck somewhere.
local last = call('HGET', workers, lane)
if last then
  local n, stale, ids = last:match('^(%d+) (%S+) (%S+)$')
  n = tonumber(n)
  if number < n then return { 'old', 0, now, '-', 0, {} } end
  if number == n then
    local reply = { 'again', 0, now, stale, 0, {} }
    for id in ids:gmatch('%d+') do
      if call('ZSCORE', leases, id .. ticket) then
        local record = call('HGET', items, id)
        local failures, losses = standing(record)
        for _, value in ipairs({ id, failures, losses, payload(record) }) do reply[#reply + 1] = value end
      end
    end
    return reply
  end
end

local b = call('HMGET', batch, 'state', 'paused', 'seeded', 'lastId', 'total', 'lastLength', 'externalTaken', 'lost', 'retried', 'startedAt',
  'lastHeartbeat', 'reclaimAfter', 'schema')
local state, paused, seeded = b[1], b[2] == '1', b[3] == '1'
local lastId, total, seen, foreign = tonumber(b[4] or 0), tonumber(b[5] or 0), tonumber(b[6] or 0), tonumber(b[7] or 0)
local lost, retried = tonumber(b[8] or 0), tonumber(b[9] or 0)
local heard, grace = tonumber(b[11] or 0), tonumber(b[12] or 0)
local before = { total, seen, foreign, lost, retried }
local change = {}
local function set(field, value)
  change[#change + 1] = field
  change[#change + 1] = value
end

-- 1. Settle. A member that is not in leases is stale: its item is not touched.
local stale, nDone = {}, tonumber(ARGV[8])
local rest = 9 + 3 * nDone
if nDone > 0 then
  local ids, members = {}, {}
  for i = 1, nDone do
    ids[i] = ARGV[6 + 3 * i]
    members[i] = ARGV[7 + 3 * i]
  end
  local scores = call('ZMSCORE', leases, unpack(members))
  local records = call('HMGET', items, unpack(ids))
  local held, gone, new, n = {}, {}, {}, 0
  for i = 1, nDone do
    if scores[i] then
      n = n + 1
      held[n] = members[i]
      gone[n] = ids[i]
      new[2 * n - 1] = ids[i]
      new[2 * n] = ARGV[8 + 3 * i] .. records[i]
    else
      stale[#stale + 1] = members[i]
    end
  end
  if n > 0 then
    call('ZREM', leases, unpack(held))
    call('HDEL', items, unpack(gone))
    call('HSET', results, unpack(new))
  end
end

local function back(id, record, suspect, at)
  call('HSET', items, id, record)
  call('ZADD', suspect and suspects or delayed, at, id)
end
local function bury(id, record)
  call('HDEL', items, id)
  call('HSET', results, id, record)
  call('ZADD', dead, now, id)
end
for i = rest, #ARGV, 5 do
  local id, member, line, again, log = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if again == 'kept' then
    if call('HEXISTS', results, id) == 1 then call('HSET', logs, id, log) end
  elseif call('ZREM', leases, member) == 0 then
    stale[#stale + 1] = member
  else
    local record = line .. call('HGET', items, id)
    if again == 'dead' then
      bury(id, record)
    else
      local _, losses = standing(record)
      back(id, record, losses > 0, now + again)
      if line:sub(1, 1) ~= 'r' then retried = retried + 1 end
    end
    if log ~= '' then call('HSET', logs, id, log) end
  end
end

-- 2. What became of the batch meanwhile.
local waiting = call('LLEN', list)
if waiting < seen then foreign = foreign + seen - waiting end
if waiting > seen then total = total + waiting - seen end
if not b[13] and waiting > 0 then
  state, seeded = 'open', true
  set('schema', 1)
  set('owner', '')
  set('epoch', 1)
  set('seeded', 1)
end
if state == 'finished' and (waiting > 0 or call('ZCARD', delayed) + call('ZCARD', suspects) > 0) then
  state = 'open'
  set('endedAt', 0)
end
local function abortIfTooManyDead()
  local count = mostDead and state == 'open' and call('ZCARD', dead)
  if count and count > mostDead then
    state = 'aborted'
    set('endedAt', text(now))
    set('reason', count .. ' items failed for good, more than maxFailures allows (' .. mostDead .. ')')
  end
end
abortIfTooManyDead()

-- 3. Take.
local reply = { 'ok', 0, text(now), '-', 0, {} }
local ids, taken = {}, {}
local deadline = text(now + lease * 0.8)
local start = ' ' .. text(now) .. ' ' .. session .. '\n'
-- Nobody was heard for a while: Redis was away, or its clock jumped. Those who are alive get the time to say so.
if heard > 0 and now - heard > lease / 2 then
  grace = now + lease / 2
  set('reclaimAfter', text(grace))
end
if now - heard > lease / 100 or now < heard then set('lastHeartbeat', text(now)) end

if state == 'open' and not paused then
  for _, member in ipairs(now < grace and {} or call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 100)) do
    local id, owner = member:match('^(%d+):([^.]+)')
    local record = call('HGET', items, id)
    local _, losses = standing(record)
    local said = call('HGET', workers, owner)
    call('ZREM', leases, member)
    record = 'l' .. text(now) .. ' ' .. (said and said:match('^%d+') or '0') .. '\n' .. record
    lost = lost + 1
    if losses > 0 then
      bury(id, record)
    else
      back(id, record, true, now + lease / 10)
    end
  end
  abortIfTooManyDead()
end

local function give(from, id)
  call('ZREM', from, id)
  local record = call('HGET', items, id)
  local failures, losses = standing(record)
  for _, value in ipairs({ id, failures, losses, payload(record) }) do reply[#reply + 1] = value end
  call('HSET', items, id, text(failures) .. ' ' .. text(losses) .. start .. record)
  ids[#ids + 1] = id
  taken[#taken + 1] = deadline
  taken[#taken + 1] = id .. ticket
end

-- Redis keeps small sets as one string and searches it from end to end, which costs a third of all where many items are in hand. A long member, for a
-- moment, makes it keep a table, until the set is empty again.
local long = want >= 64 and call('EXISTS', items, leases) == 0 and string.rep('-', 100)
if want > 0 and state == 'open' and not paused then
  local suspect = idle and call('ZRANGEBYSCORE', suspects, '-inf', now, 'LIMIT', 0, 1)[1]
  if suspect then
    give(suspects, suspect)
  else
    local due = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, want)
    for _, id in ipairs(due) do give(delayed, id) end
    local fresh = want > #due and waiting > 0 and call('LPOP', list, want - #due)
    if fresh then
      local new = {}
      local top = '0 0' .. start .. '\n'
      local n, m = #ids, #taken
      for i = 1, #fresh do
        local id = format('%d', lastId + i)
        ids[n + i] = id
        new[2 * i - 1] = id
        new[2 * i] = top .. fresh[i]
        taken[m + 2 * i - 1] = deadline
        taken[m + 2 * i] = id .. ticket
      end
      if long then
        call('HSET', items, long, '')
        call('ZADD', leases, 0, long)
      end
      call('HSET', items, unpack(new))
      reply[5] = lastId + 1
      reply[6] = fresh
      lastId = lastId + #fresh
      waiting = waiting - #fresh
      set('lastId', text(lastId))
    end
  end
  if #taken > 0 then
    call('ZADD', leases, unpack(taken))
    if long then
      call('HDEL', items, long)
      call('ZREM', leases, long)
    end
    if (b[10] or '0') == '0' then set('startedAt', text(now)) end
  end
end

-- 4. Nothing taken: is it finished, or how long until there is something to do?
if #ids == 0 then
  local function first(key, from)
    local head = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return head[2] and math.max(0, head[2] - now, from - now) or 1000
  end
  if state == 'aborted' then
    reply[1] = 'aborted'
  elseif state == 'finished' then
    reply[1] = 'finished'
  elseif state == 'open' and waiting == 0 and call('ZCARD', leases) == 0 and call('ZCARD', delayed) == 0
    and call('ZCARD', suspects) == 0 and seeded then
    state = 'finished'
    reply[1] = 'finished'
    set('endedAt', text(now))
  elseif state == 'open' and not paused then
    reply[2] = math.floor(math.min(first(leases, grace), first(delayed, 0), idle and first(suspects, 0) or 1000))
  else
    reply[2] = 1000
  end
end

if #stale > 0 then reply[4] = table.concat(stale, ',') end
if b[13] or waiting > 0 or #ids > 0 then
  if state ~= b[1] then set('state', state) end
  for i, now in ipairs({ total, waiting, foreign, lost, retried }) do
    local field = ({ 'total', 'lastLength', 'externalTaken', 'lost', 'retried' })[i]
    if now ~= before[i] then set(field, text(now)) end
  end
  if #change > 0 then call('HSET', batch, unpack(change)) end
end
local said = { lane, text(number) .. ' ' .. reply[4] .. ' ' .. (#ids > 0 and table.concat(ids, ',') or '-') }
if ARGV[7] ~= '' then
  said[3] = session
  said[4] = text(now) .. ' ' .. ARGV[7]
end
call('HSET', workers, unpack(said))
return reply
