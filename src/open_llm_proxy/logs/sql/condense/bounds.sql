-- Times that part the requests into shares of about one size, in microseconds since 1970.
SELECT unnest(quantile_disc(epoch_us(ts), {shares}))
FROM {records}
WHERE type = 'request'
