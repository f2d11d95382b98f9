# SPDX-License-Identifier: MIT
# Stands for the application: answers every request until it is told to stop.
require "socket"

server = TCPServer.new("0.0.0.0", Integer(ENV.fetch("PORT", "8080")))
stop = proc { exit }
trap("TERM", stop)
trap("INT", stop)
$stdout.sync = true
puts "listening as uid #{Process.uid}"
loop do
  client = server.accept
  client.gets
  client.write("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
rescue SystemCallError => e
  warn("request: #{e.message}")
ensure
  client&.close
end
