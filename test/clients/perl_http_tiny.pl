# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: a client of HTTP::Tiny for each request.
use strict;
use warnings;
use HTTP::Tiny;

my ($address, $port, $count) = @ARGV;
for my $number (0 .. $count - 1) {
    my $response = HTTP::Tiny->new->get("http://$address:$port/$number");
    print "$response->{status} $response->{content}";
}
