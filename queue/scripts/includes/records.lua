-- Records: a stack of lines, newest first, an empty line, the payload (grammar: queue/README.md).

-- How many attempts at an item failed and how many were lost, from the lines on top of its record.
local function attemptCounts(record)
  local outcome, failures, losses = record:match('^(%l)[^\n]*\n(%d+) (%d+) ')
  if outcome then
    local failed = outcome == 'f' or outcome == 't'
    return failures + (failed and 1 or 0), losses + (outcome == 'l' and 1 or 0)
  end
  if record:sub(1, 2) == 'q\n' then
    local _, before = attemptCounts(record:sub(3))
    return 0, math.min(1, before)
  end
  failures, losses = record:match('^(%d+) (%d+) ')
  return tonumber(failures or 0), tonumber(losses or 0)
end

local function payloadOf(record)
  if record:sub(1, 1) == '\n' then return record:sub(2) end
  return record:sub(select(2, record:find('\n\n', 1, true)) + 1)
end

-- Puts an item where it can be reserved again, from the time `at` on.
local function reschedule(id, record, isSuspect, at)
  call('HSET', items, id, record)
  call('ZADD', isSuspect and suspects or delayed, at, id)
end

-- Ends an item that is given up.
local function bury(id, record)
  call('HDEL', items, id)
  call('HSET', results, id, record)
  call('ZADD', dead, now, id)
end
