# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: Net::HTTP.get.
require "net/http"

address, port, count = ARGV
count.to_i.times do |number|
  puts Net::HTTP.get(URI("http://#{address}:#{port}/#{number}"))
end
