# The sequence add-on of dh_systemd_harden(1): dh $@ --with systemd-harden, or
# dh-sequence-systemd-harden among the build dependencies.

use strict;
use warnings;
use Debian::Debhelper::Dh_Lib qw(compat);

# After dh_install, so that what is rendered takes the place of units that upstream installs; before the commands that
# write maintainer scripts for what is there. Below compatibility level 14 none of them looks at sysusers.d by itself.
insert_after('dh_install', 'dh_installsysusers') if compat(13);
insert_after('dh_install', 'dh_systemd_harden');

1;
