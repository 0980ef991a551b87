-- When the oldest item in flight was begun, ms; now where none is. Read of so many records at most: of more, somebody is
-- at work for as long as can be.
local function oldestInFlight()
  local MAX_LEASES, MAX_BYTES = 1000, 4 * 1024 * 1024
  local oldest, bytes = now, 0
  for _, member in ipairs(call('ZRANGEBYSCORE', leases, text(now), '+inf', 'LIMIT', 0, MAX_LEASES)) do
    local id = member:match('^%d+')
    bytes = bytes + call('HSTRLEN', items, id)
    if bytes > MAX_BYTES then return 0 end
    oldest = math.min(oldest, startOf(call('HGET', items, id)))
  end
  return oldest
end
