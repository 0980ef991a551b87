#!lua
-- Moves the head of the list to its end, without the items that are to be dropped. Once around, and only those are
-- gone, in the same order. ARGV: the digest that must be there, the next one, the length that must be there, how many
-- to move, how many are left to move after it, `knownUpTo` and `externalRanges` as they are then, and pairs: index at the head
-- (from 1), payload to be dropped. Answers "moved" or "aborted", or minus the length where that is another, or zero;
-- then it changed nothing. Else 1.
local list, batch = KEYS[1], KEYS[2]
local b = redis.call('HMGET', batch, 'digest', 'state', 'total', 'lastLength', 'externalTaken')
if b[1] ~= ARGV[1] then return 'moved' end
if b[2] == 'aborted' then return 'aborted' end
local waiting = redis.call('LLEN', list)
if waiting ~= tonumber(ARGV[3]) then return -waiting end

local head = redis.call('LRANGE', list, 0, ARGV[4] - 1)
for i = 8, #ARGV, 2 do
  if head[tonumber(ARGV[i])] ~= ARGV[i + 1] then return 'moved' end
end
for i = 8, #ARGV, 2 do head[tonumber(ARGV[i])] = false end
local keep = {}
for _, payload in ipairs(head) do
  if payload then keep[#keep + 1] = payload end
end
redis.call('LTRIM', list, ARGV[4], -1)
if #keep > 0 then redis.call('RPUSH', list, unpack(keep)) end
local dropped = #head - #keep
local seen = tonumber(b[4] or 0)
redis.call('HSET', batch, 'digest', ARGV[2], 'lastLength', waiting - dropped, 'rotation', ARGV[5], 'knownUpTo', ARGV[6],
  'externalRanges', ARGV[7], 'total', b[3] - dropped + math.max(0, waiting - seen), 'externalTaken', (b[5] or 0) + math.max(0, seen - waiting))
return 1
