-- A script for wrk that sends prepared requests in a cycle and prints the results as JSON.
-- Arguments: the file of requests (separated by NUL), and the requests per second (0: no limit).
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long sec; long nsec; } bench_time;
  int clock_gettime(int clock, bench_time *time);
]]

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function pace(rate)
  local time = ffi.new("bench_time")
  local function now()
    ffi.C.clock_gettime(1, time)
    return tonumber(time.sec) * 1000 + tonumber(time.nsec) / 1e6
  end
  local due
  -- An open loop while a connection is idle: a late request is sent immediately.
  function delay()
    due = (due or now()) + 1000 / rate
    return math.max(0, math.floor(due - now()))
  end
end

function init(args)
  requests, place, statuses, unretried = {}, 0, {}, 0
  local file = assert(io.open(args[1], "rb"))
  for raw in file:read("*a"):gmatch("[^%z]+") do
    table.insert(requests, raw)
  end
  file:close()
  if tonumber(args[2]) > 0 then
    pace(tonumber(args[2]))
    function response(status, headers)
      local name = tostring(status)
      statuses[name] = (statuses[name] or 0) + 1
      if status == 503 and not (headers["Retry-After"] or headers["retry-after"]) then
        unretried = unretried + 1
      end
    end
  end
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary, latency, _)
  local each = {}
  for status, count in pairs(threads[1]:get("statuses")) do
    table.insert(each, string.format('"%s": %d', status, count))
  end
  local errors = summary.errors
  io.write(string.format(
    'JSON{"requests": %d, "seconds": %f, "refused": %d, "broken": %d, "p50": %f, "p99": %f, '
      .. '"longest": %f, "statuses": {%s}, "unretried": %d}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    table.concat(each, ", "), threads[1]:get("unretried")))
end
