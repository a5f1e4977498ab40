-- When the first and the last of `calls` came.
SELECT epoch_us(min(request_ts)), epoch_us(max(request_ts)) FROM calls
