# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: HTTP by hand over IO::Socket.
use strict;
use warnings;
use IO::Socket::INET;

my ($address, $port, $count) = @ARGV;
for my $number (0 .. $count - 1) {
    my $socket = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port) or die "connect: $!";
    print $socket "GET /$number HTTP/1.1\r\nHost: $address\r\n\r\n";
    $socket->flush;
    my $length = 0;
    while ((my $line = <$socket>) ne "\r\n") {
        $length = $1 if $line =~ /^Content-Length: (\d+)/i;
    }
    read $socket, my $body, $length;
    print $body;
    close $socket;
}
