#!lua flags=allow-oom
-- Opens a seeding: creates the batch, adopts one without an owner, starts it over for a new `run`. Changes nothing else
-- of a batch that exists. ARGV: owner, run, seedId, a nonce. Returns {"otherOwner", owner} or {"schema", schema} if
-- it refuses, else {"ok", digest, offset, state, seeded, retired, dead items to be requeued, until when they died}.
--- @include "keys"
--- @include "clock": now, text
--- @include "state": move
local owner, run, seedId, nonce = unpack(ARGV)
local function read(...)
  return unpack(call('HMGET', batchKey, ...))
end

local schema, ownerBefore, runBefore, epoch, paused = read('schema', 'owner', 'run', 'epoch', 'paused')
if schema and schema ~= '1' then return { 'schema', schema } end
if owner ~= '' and ownerBefore and ownerBefore ~= '' and ownerBefore ~= owner then
  return { 'otherOwner', ownerBefore }
end

local startOver = runBefore and runBefore ~= run
if startOver then
  call('UNLINK', unpack(KEYS))
  if paused then call('HSET', batchKey, 'paused', paused) end
end
if startOver or not schema then
  local waiting = call('LLEN', list)
  call('HSET', batchKey, 'schema', 1, 'owner', ownerBefore or '', 'epoch', (epoch or 0) + 1,
    'seeded', 0, 'total', waiting, 'lastLength', waiting, 'seedId', seedId)
  move('seed')
  redis.pcall('SADD', 'wq:queues', list)
end
if startOver or not runBefore then
  call('HSET', batchKey, 'run', run, 'offset', 0, 'digest', 'start ' .. nonce)
end
if owner ~= '' then call('HSET', batchKey, 'owner', owner) end

-- Items that are dead by now are requeued once per seedId, also when the seeder is killed meanwhile and started again.
local lastSeedId, requeue = read('seedId', 'requeue')
local diedUntil = requeue and requeue:sub(1, #seedId + 1) == seedId .. ' ' and requeue:sub(#seedId + 2)
if lastSeedId == seedId then
  diedUntil = '0'
elseif not diedUntil then
  diedUntil = text(now)
  call('HSET', batchKey, 'requeue', seedId .. ' ' .. diedUntil)
end
local digest, offset, state, seeded, retired = read('digest', 'offset', 'state', 'seeded', 'retired')
return { 'ok', digest, offset, state, seeded, retired or '0', call('ZCOUNT', dead, 0, diedUntil), diedUntil }
