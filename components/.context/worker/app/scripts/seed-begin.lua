#!lua
-- Opens a seeding: makes the batch, adopts one without owner, begins it anew for a new `run`. Changes nothing else of
-- one that is there. ARGV: owner, run, attempt, a nonce. Answers {"otherOwner", owner} or {"schema", schema} where it
-- refuses, else {"ok", digest, offset, state, seeded, turn, gone, dead that are to be put back, until when they died}.
local list, batch, dead = KEYS[1], KEYS[2], KEYS[8]
local owner, run, attempt, nonce = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local b = redis.call('HMGET', batch, 'schema', 'owner', 'run', 'epoch', 'paused')

if b[1] and b[1] ~= '1' then return { 'schema', b[1] } end
if owner ~= '' and b[2] and b[2] ~= '' and b[2] ~= owner then return { 'otherOwner', b[2] } end

local again = b[3] and b[3] ~= run
if again then
  redis.call('UNLINK', unpack(KEYS))
  if b[5] then redis.call('HSET', batch, 'paused', b[5]) end
end
if again or not b[1] then
  local waiting = redis.call('LLEN', list)
  redis.call('HSET', batch, 'schema', 1, 'owner', b[2] or '', 'epoch', (b[4] or 0) + 1, 'state', 'seeding', 'seeded', 0,
    'total', waiting, 'lastLength', waiting, 'seedId', attempt)
end
if not b[3] or again then redis.call('HSET', batch, 'run', run, 'offset', 0, 'digest', 'start ' .. nonce) end
if owner ~= '' then redis.call('HSET', batch, 'owner', owner) end

-- The dead as of now are put back once for each attempt, also when the seeder is killed over it and begins again.
b = redis.call('HMGET', batch, 'digest', 'offset', 'state', 'seeded', 'rotation', 'seedId', 'requeue', 'retired')
local until_ = b[7] and b[7]:sub(1, #attempt + 1) == attempt .. ' ' and b[7]:sub(#attempt + 2)
if b[6] == attempt then
  until_ = '0'
elseif not until_ then
  until_ = string.format('%.0f', now)
  redis.call('HSET', batch, 'requeue', attempt .. ' ' .. until_)
end
return { 'ok', b[1], b[2], b[3], b[4], b[5] or '0', b[8] or '0', redis.call('ZCOUNT', dead, '-inf', until_), until_ }
