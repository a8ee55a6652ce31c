# packaging: systemd units, cron file, Debian package.

systemd_units = \
	%D%/systemd/letterrack.service \
	%D%/systemd/letterrack@.service \
	%D%/systemd/letterrack@.socket
systemd_in = $(systemd_units:=.in)

# Examples, to be put where the distribution wants them.
unitdir = $(datadir)/letterrack/systemd
nodist_unit_DATA = $(systemd_units)
EXTRA_DIST += $(systemd_in)
CLEANFILES += $(systemd_units)

$(systemd_units): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
	    -e 's|@sbindir[@]|$(sbindir)|' \
	    -e 's|@libexecdir[@]|$(libexecdir)|' \
	    $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
%D%/systemd/letterrack.service: %D%/systemd/letterrack.service.in
%D%/systemd/letterrack@.service: %D%/systemd/letterrack@.service.in
%D%/systemd/letterrack@.socket: %D%/systemd/letterrack@.socket.in
