-- The one clock: ms by Redis. It stands still while a script runs.
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A lease lasts this share of the time in which its item is to run again, from its reservation and from each renewal.
local HELD = 0.8

-- A number as decimal text: Lua writes large ones as 1e+12.
local function text(number)
  return string.format('%d', number)
end
