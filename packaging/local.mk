# packaging: what an installation beside the programs wants. Installed as
# examples, to be put where the distribution has them.

packaging_made = \
	%D%/cron/letterrack \
	%D%/systemd/letterrack-deliver.service \
	%D%/systemd/letterrack-smtpd.service \
	%D%/systemd/letterrack-sync-stay.service \
	%D%/systemd/letterrack-sync.service \
	%D%/systemd/letterrack-sync.timer \
	%D%/systemd/letterrack-watch.service \
	%D%/systemd/letterrack.service \
	%D%/systemd/letterrack@.service \
	%D%/systemd/letterrack@.socket

unitdir = $(datadir)/letterrack/systemd
nodist_unit_DATA = $(filter %D%/systemd/%,$(packaging_made))
crondir = $(datadir)/letterrack/cron
nodist_cron_DATA = %D%/cron/letterrack
sysusersdir = $(datadir)/letterrack/sysusers
dist_sysusers_DATA = %D%/sysusers/letterrack.conf
tmpfilesdir = $(datadir)/letterrack/tmpfiles
dist_tmpfiles_DATA = %D%/tmpfiles/letterrack.conf
EXTRA_DIST += $(packaging_made:=.in) %D%/build-deb \
	%D%/debian/changelog \
	%D%/debian/control \
	%D%/debian/copyright \
	%D%/debian/docs \
	%D%/debian/rules \
	%D%/debian/source/format
CLEANFILES += $(packaging_made)

$(packaging_made): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
	    -e 's|@bindir[@]|$(bindir)|g' \
	    -e 's|@sbindir[@]|$(sbindir)|' \
	    -e 's|@libexecdir[@]|$(libexecdir)|' \
	    -e 's|@sysconfdir[@]|$(sysconfdir)|' \
	    $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
%D%/cron/letterrack: %D%/cron/letterrack.in
%D%/systemd/letterrack-deliver.service: %D%/systemd/letterrack-deliver.service.in
%D%/systemd/letterrack-smtpd.service: %D%/systemd/letterrack-smtpd.service.in
%D%/systemd/letterrack-sync-stay.service: %D%/systemd/letterrack-sync-stay.service.in
%D%/systemd/letterrack-sync.service: %D%/systemd/letterrack-sync.service.in
%D%/systemd/letterrack-sync.timer: %D%/systemd/letterrack-sync.timer.in
%D%/systemd/letterrack-watch.service: %D%/systemd/letterrack-watch.service.in
%D%/systemd/letterrack.service: %D%/systemd/letterrack.service.in
%D%/systemd/letterrack@.service: %D%/systemd/letterrack@.service.in
%D%/systemd/letterrack@.socket: %D%/systemd/letterrack@.socket.in
