# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: a client of redis-rb for each question.
require "redis"

address, port, count = ARGV
count.to_i.times do |number|
  redis = Redis.new(host: address, port: port.to_i)
  redis.set("number", number)
  puts redis.get("number")
  redis.close
end
