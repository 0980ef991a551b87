-- Shared by the seeder's scripts. The first two arguments of each are the digest that must be there and the one it
-- leaves.
local expected, digest = ARGV[1], ARGV[2]

local function read(...)
  return unpack(call('HMGET', batchKey, ...))
end

-- The reason to change nothing: somebody else moved the batch on, or it was aborted.
local function refusal()
  local found, state = read('digest', 'state')
  return found ~= expected and 'moved' or state == 'aborted' and 'aborted'
end

-- Lua writes large numbers as 1e+12.
local function text(number)
  return string.format('%.0f', number)
end

-- Writes the length that this script leaves, and the pushes and pops of others since a script last looked at it.
local function account(lengthBefore, length)
  local lastLength, total, externalTaken = read('lastLength', 'total', 'externalTaken')
  local more = lengthBefore - (lastLength or 0)
  call('HSET', batchKey, 'lastLength', length, 'total', (total or 0) + math.max(0, more) + length - lengthBefore,
    'externalTaken', (externalTaken or 0) + math.max(0, -more))
end
