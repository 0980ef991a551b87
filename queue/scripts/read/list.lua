#!lua flags=no-writes
-- Reads waiting items: ARGV: the first and the last index, and the bytes after which it ends. Nobody knows how long
-- they are, so it takes a few at a time.
--- @include "keys"
local MAX_STEP = 16
local first, last, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local page, bytes = {}, 0
while first <= last and bytes < maxBytes do
  local some = call('LRANGE', list, first, math.min(first + MAX_STEP - 1, last))
  if #some == 0 then break end
  for _, payload in ipairs(some) do
    page[#page + 1] = payload
    bytes = bytes + #payload
  end
  first = first + #some
end
return page
