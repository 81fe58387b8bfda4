-- Has wrk end with one JSON line: how many requests, how many of them failed, in how many seconds.
function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"requests": %d, "failed": %d, "seconds": %.6f}\n',
    summary.requests, failed, summary.duration / 1e6
  ))
end
