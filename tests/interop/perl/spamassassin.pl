# Checks messages with SpamAssassin's own rules, without network and without anybody's preferences.
# One JSON document on stdin: [base64, ...]; one on stdout: the names of the rules that each message met.

use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use Mail::SpamAssassin;

my $assassin = Mail::SpamAssassin->new({
    local_tests_only     => 1,
    dont_copy_prefs      => 1,
    userprefs_filename   => '/dev/null',
    userstate_dir        => '/tmp',
    home_dir_for_helpers => '/tmp',
});
$assassin->init(1);

my @answers;
for my $asked (@{ decode_json(do { local $/; <STDIN> }) }) {
    my $message = $assassin->parse(decode_base64($asked), 1);
    my $status  = $assassin->check($message);
    push @answers, [ sort split /,/, $status->get_names_of_tests_hit() ];
    $status->finish;
    $message->finish;
}
print encode_json(\@answers);
