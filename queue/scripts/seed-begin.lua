#!lua flags=allow-oom
-- Opens a seeding: creates the batch, adopts one without an owner, starts it over for a new `run`. Changes nothing else
-- of a batch that exists. ARGV: owner, run, seedId, a nonce. Returns {"otherOwner", owner} or {"schema", schema} where
-- it refuses, else {"ok", digest, offset, state, seeded, retired, dead items to be requeued, until when they died}.
local list, batch, dead = KEYS[1], KEYS[2], KEYS[8]
local owner, run, seedId, nonce = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local b = redis.call('HMGET', batch, 'schema', 'owner', 'run', 'epoch', 'paused')

if b[1] and b[1] ~= '1' then return { 'schema', b[1] } end
if owner ~= '' and b[2] and b[2] ~= '' and b[2] ~= owner then return { 'otherOwner', b[2] } end

local startOver = b[3] and b[3] ~= run
if startOver then
  redis.call('UNLINK', unpack(KEYS))
  if b[5] then redis.call('HSET', batch, 'paused', b[5]) end
end
if startOver or not b[1] then
  local waiting = redis.call('LLEN', list)
  redis.call('HSET', batch, 'schema', 1, 'owner', b[2] or '', 'epoch', (b[4] or 0) + 1, 'state', 'seeding', 'seeded', 0,
    'total', waiting, 'lastLength', waiting, 'seedId', seedId)
  redis.pcall('SADD', 'wq:queues', list)
end
if not b[3] or startOver then redis.call('HSET', batch, 'run', run, 'offset', 0, 'digest', 'start ' .. nonce) end
if owner ~= '' then redis.call('HSET', batch, 'owner', owner) end

-- Items that are dead by now are requeued once per seedId, also when the seeder is killed meanwhile and started again.
b = redis.call('HMGET', batch, 'digest', 'offset', 'state', 'seeded', 'retired', 'seedId', 'requeue')
local diedUntil = b[7] and b[7]:sub(1, #seedId + 1) == seedId .. ' ' and b[7]:sub(#seedId + 2)
if b[6] == seedId then
  diedUntil = '0'
elseif not diedUntil then
  diedUntil = string.format('%.0f', now)
  redis.call('HSET', batch, 'requeue', seedId .. ' ' .. diedUntil)
end
return { 'ok', b[1], b[2], b[3], b[4], b[5] or '0', redis.call('ZCOUNT', dead, '-inf', diedUntil), diedUntil }
