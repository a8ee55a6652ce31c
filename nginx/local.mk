# nginx: the map from a path's noun to its responder. Installed as data: the
# operator's nginx includes the files where they lie (letterrack.conf shows how).

nginxdir = $(datadir)/letterrack/nginx
dist_nginx_DATA = %D%/app.conf %D%/door.conf
nodist_nginx_DATA = %D%/upstreams.conf %D%/letterrack.conf
CLEANFILES += $(nodist_nginx_DATA)
EXTRA_DIST += \
	%D%/upstreams.conf.in %D%/letterrack.conf.in \
	%D%/demo.conf.in %D%/upstreams.awk

# Where the programs look, too: the preset of run_dir.
nginx_paths = \
	-e 's|@run_dir@|/run/letterrack|g' \
	-e 's|@nginx_dir@|$(nginxdir)|g'

%D%/upstreams.conf: %D%/upstreams.conf.in %D%/upstreams.awk Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(AWK) -v present="$(responder_PROGRAMS)" \
		-f $(srcdir)/nginx/upstreams.awk \
		$(srcdir)/nginx/upstreams.conf.in >$@.tmp && \
	$(SED) $(nginx_paths) $@.tmp >$@.new && rm $@.tmp && mv $@.new $@

%D%/letterrack.conf: %D%/letterrack.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(SED) $(nginx_paths) $(srcdir)/$@.in >$@.new && mv $@.new $@
